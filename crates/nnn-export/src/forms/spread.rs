//! How biases spread, from one look at each.

/// Mean, deviation and ends of biases, added one by one in the items' order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spread {
    count: u64,
    sum: f64,
    first: f64,
    /// Of the differences from the first, so that a mean far from zero costs no digits.
    squares: f64,
    least: f32,
    most: f32,
}

impl Spread {
    /// Adds a finite bias.
    pub fn add(&mut self, bias: f32) {
        if self.count == 0 {
            (self.first, self.least, self.most) = (bias.into(), bias, bias);
        }
        self.count += 1;
        self.sum += f64::from(bias);
        self.squares += (f64::from(bias) - self.first).powi(2);
        (self.least, self.most) = (self.least.min(bias), self.most.max(bias));
    }

    /// How many were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean: a sum in f64 in the order of the items, divided once; 0 of none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }

    /// Their standard deviation, divided by their number.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let about_first = self.squares / self.count.max(1) as f64;
        (about_first - (self.mean() - self.first).powi(2))
            .max(0.0)
            .sqrt()
    }

    /// Half way between the ends.
    #[must_use]
    pub fn middle(&self) -> f64 {
        (f64::from(self.most) + f64::from(self.least)) / 2.0
    }

    /// Half the distance between the ends.
    #[must_use]
    pub fn half_range(&self) -> f64 {
        (f64::from(self.most) - f64::from(self.least)) / 2.0
    }

    /// The least; 0 of none.
    #[must_use]
    pub fn least(&self) -> f32 {
        self.least
    }

    /// The largest; 0 of none.
    #[must_use]
    pub fn most(&self) -> f32 {
        self.most
    }
}

impl Extend<f32> for Spread {
    fn extend<T: IntoIterator<Item = f32>>(&mut self, biases: T) {
        biases.into_iter().for_each(|bias| self.add(bias));
    }
}
