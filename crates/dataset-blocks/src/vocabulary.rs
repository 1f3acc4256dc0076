//! What a scene can be made of, and the words for it.

/// Declares a closed set of things: its variants, how often each is drawn in everyday scenes, the everyday words
/// (one is picked per mention; a word listed twice is picked twice as often) and the catalogue's one word.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $weight:literal [$($word:literal)*] $tag:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the variants are their own words")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Every variant, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// How often each variant is drawn in everyday scenes, relative to the sum.
            pub(crate) const WEIGHTS: &'static [u32] = &[$($weight),+];

            /// The everyday words for it; empty where nobody would mention it.
            pub fn words(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($word),*]),+ }
            }

            /// The catalogue's word for it (the style `Catalogue`).
            pub fn tag(self) -> &'static str {
                match self { $(Self::$variant => $tag),+ }
            }
        }
    };
}

vocabulary! {
    /// The outline of an object.
    Shape {
        Circle 16 ["circle" "circle" "circle" "disc" "ball"] "disc";
        Square 14 ["square" "square" "square" "box"] "square";
        Triangle 13 ["triangle"] "triangle";
        Star 12 ["star"] "star";
        Heart 10 ["heart"] "heart";
        Cross 8 ["cross" "cross" "plus sign"] "plus";
        Diamond 7 ["diamond" "diamond" "rhombus"] "rhombus";
        Hexagon 7 ["hexagon"] "hexagon";
        Ring 7 ["ring" "ring" "hoop"] "hoop";
        Arrow 6 ["arrow"] "arrow";
    }
}

vocabulary! {
    /// The main colour of an object.
    Colour {
        Red 16 ["red"] "red";
        Blue 15 ["blue"] "blue";
        Green 12 ["green"] "green";
        Yellow 12 ["yellow"] "yellow";
        Orange 9 ["orange"] "orange";
        Purple 9 ["purple" "purple" "violet"] "violet";
        White 8 ["white"] "white";
        Pink 7 ["pink"] "pink";
        Black 7 ["black"] "black";
        Brown 5 ["brown"] "brown";
    }
}

vocabulary! {
    /// How an object is filled.
    Pattern {
        Solid 50 [] "plain";
        Striped 20 ["striped" "striped" "stripy"] "stripes";
        Dotted 16 ["dotted" "dotted" "spotted"] "dots";
        Checkered 14 ["checkered" "checked"] "checks";
    }
}

vocabulary! {
    /// How large an object is drawn.
    Size {
        Small 30 ["small" "small" "little" "tiny"] "small";
        Medium 40 [] "medium";
        Large 30 ["large" "big" "big" "huge"] "large";
    }
}

vocabulary! {
    /// What lies behind the objects.
    Background {
        Paper 24 ["on paper" "on a plain background" "on a white sheet"] "paper";
        Grass 16 ["on grass" "on the grass" "on a green lawn" "in a meadow"] "lawn";
        Sand 14 ["on sand" "on the sand" "on a sandy beach"] "sand";
        Water 12 ["on water" "in the water" "on blue waves"] "water";
        Night 11 ["in the night sky" "at night" "in the dark"] "night";
        Brick 9 ["on a brick wall" "on bricks" "in front of a wall"] "brick";
        Wood 8 ["on wood" "on a wooden floor" "on a wooden table"] "wood";
        Grid 6 ["on graph paper" "on a grid"] "grid";
    }
}

impl Colour {
    /// The colour as 8-bit RGB, before the jitter of a scene.
    pub fn rgb(self) -> [u8; 3] {
        match self {
            Self::Red => [212, 38, 40],
            Self::Blue => [36, 82, 208],
            Self::Green => [44, 150, 60],
            Self::Yellow => [244, 214, 48],
            Self::Orange => [242, 138, 30],
            Self::Purple => [134, 52, 176],
            Self::White => [248, 248, 248],
            Self::Pink => [246, 142, 184],
            Self::Black => [26, 26, 30],
            Self::Brown => [122, 76, 40],
        }
    }
}
