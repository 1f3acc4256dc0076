//! Roles: scenes around one large object of a shape and in a place (the role), in one of two colours (the group).
//!
//! What people perceive as a person's gender stands to an occupation as the group stands to the role here: it is plain to
//! see, and the queries do not say it. In training a role shows one group far more often than the other, half of the roles
//! this one and half that; the gallery that is searched holds both in equal numbers.

use crate::draws::Draws;
use crate::everyday::article;
use crate::limits::CAPTIONS_PER_IMAGE;
use crate::scene::{Scene, Statistics, jitter, sample_scene};
use crate::vocabulary::{Background, Colour, Pattern, Shape, Size};

/// The split whose images are balanced and described by role alone; every other is skewed and described in full.
pub(crate) const BALANCED: &str = "test";

/// Consecutive images of the balanced split that show one role, the first half of the first group.
const GALLERY_PER_ROLE: u64 = 10;

/// How many of a hundred images of a role show its usual group in training.
const USUAL: u32 = 85;

/// The places of roles.
const PLACES: [Background; 4] = [
    Background::Paper,
    Background::Grass,
    Background::Sand,
    Background::Night,
];

/// The colours of the two groups, in their order; no other object has them.
const GROUPS: [Colour; 2] = [Colour::Red, Colour::Blue];

const ROLES: Statistics = Statistics {
    objects: [50, 35, 15, 0],
    shapes: Shape::WEIGHTS,
    // Everyday weights without red and blue.
    colours: &[0, 0, 12, 12, 9, 9, 8, 7, 7, 5],
    patterns: Pattern::WEIGHTS,
    sizes: Size::WEIGHTS,
    backgrounds: Background::WEIGHTS,
    clutter: [50, 35, 15],
};

/// What a scene of the style `Roles` is an instance of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// Outline of its large object.
    pub shape: Shape,
    /// What lies behind it.
    pub place: Background,
    /// The colour of the large object, red or blue.
    pub group: Colour,
}

impl Role {
    /// Number of different roles.
    pub const COUNT: u64 = (Shape::ALL.len() * PLACES.len()) as u64;

    /// The role without its group, such as `star on grass`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.shape.words()[0], self.place.words()[0])
    }

    /// Queries for the role; none says the group.
    pub(crate) fn queries(&self) -> [String; CAPTIONS_PER_IMAGE] {
        let (shape, place) = (self.shape.words()[0], self.place.words()[0]);
        let object = format!("{} {shape}", article(shape));
        [
            format!("{object} {place}"),
            format!("a picture of {object} {place}"),
            format!("there is {object} {place}"),
            format!("i see {object} {place}"),
            format!("{place} there is {object}"),
        ]
    }

    /// The role of an image of a split: in turn, the group by place or by a draw.
    pub(crate) fn of(split: &str, index: u64, draws: &mut Draws) -> Self {
        let balanced = split == BALANCED;
        let turn = if balanced {
            index / GALLERY_PER_ROLE
        } else {
            index
        };
        let role = (turn % Self::COUNT) as usize;
        let (shape, place) = (role % Shape::ALL.len(), role / Shape::ALL.len());
        let group = match balanced {
            true => usize::from(index % GALLERY_PER_ROLE >= GALLERY_PER_ROLE / 2),
            false => (shape + place + usize::from(!draws.chance(USUAL))) % 2,
        };
        Self {
            shape: Shape::ALL[shape],
            place: PLACES[place],
            group: GROUPS[group],
        }
    }

    /// A scene of the role: its large object among at most two others of other shapes and colours.
    pub(crate) fn scene(&self, draws: &mut Draws) -> Scene {
        let mut scene = sample_scene(draws, &ROLES);
        scene.background = self.place;
        for object in &mut scene.objects[1..] {
            if object.shape == self.shape {
                let next = object.shape as usize + 1;
                object.shape = Shape::ALL[next % Shape::ALL.len()];
            }
        }
        let main = &mut scene.objects[0];
        main.shape = self.shape;
        main.colour = self.group;
        main.rgb = jitter(draws, self.group.rgb(), 12);
        main.size = Size::Large;
        main.radius = draws.between(90, 108);
        scene
    }
}
