//! Unicode's normal forms by the names that `plsfix` asks for.

/// Normal forms.
pub mod normalizer {
    use unicode_normalization::UnicodeNormalization;

    /// To characters that are composed as far as they can be.
    pub struct ComposingNormalizer(fn(&str) -> String);

    impl ComposingNormalizer {
        /// Normal form C.
        pub fn new_nfc() -> Self {
            Self(|text| text.nfc().collect())
        }

        /// Normal form KC.
        pub fn new_nfkc() -> Self {
            Self(|text| text.nfkc().collect())
        }

        /// The text in this form.
        pub fn normalize(&self, text: &str) -> String {
            self.0(text)
        }
    }

    /// To characters that are taken apart as far as they can be.
    pub struct DecomposingNormalizer(fn(&str) -> String);

    impl DecomposingNormalizer {
        /// Normal form D.
        pub fn new_nfd() -> Self {
            Self(|text| text.nfd().collect())
        }

        /// Normal form KD.
        pub fn new_nfkd() -> Self {
            Self(|text| text.nfkd().collect())
        }

        /// The text in this form.
        pub fn normalize(&self, text: &str) -> String {
            self.0(text)
        }
    }
}
