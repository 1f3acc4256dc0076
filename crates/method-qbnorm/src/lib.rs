//! QB-Norm: inverted softmax (IS) and dynamic inverted softmax (DIS).
