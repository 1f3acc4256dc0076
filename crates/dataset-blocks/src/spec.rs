//! What to generate, and one sample of it.

use image::RgbImage;

use crate::BlocksError;
use crate::camera;
use crate::catalogue::catalogue_caption;
use crate::draw::draw;
use crate::draws::{Draws, Purpose};
use crate::everyday::everyday_caption;
use crate::limits::{CAPTIONS_PER_IMAGE, IMAGE_SIZES};
use crate::roles::{BALANCED, Role};
use crate::scene::{CATALOGUE, EVERYDAY, Scene, sample_scene};

/// How scenes are composed and described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// Long-tailed scenes, captions in sentences.
    Everyday,
    /// Tidy scenes with even statistics, terse tags with words of their own: out of distribution for `Everyday`.
    Catalogue,
    /// The scenes and captions of `Everyday`, one by one, seen through an unfamiliar camera.
    Shifted,
    /// Scenes around one object of a [`Role`], in everyday sentences; the split `test` is described by role alone.
    Roles,
}

impl Style {
    /// Every style.
    pub const ALL: [Self; 4] = [Self::Everyday, Self::Catalogue, Self::Shifted, Self::Roles];

    /// `everyday`, `catalogue`, `shifted` or `roles`, as in cards and in the marker file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Everyday => "everyday",
            Self::Catalogue => "catalogue",
            Self::Shifted => "shifted",
            Self::Roles => "roles",
        }
    }

    /// The style whose random streams this one draws from: its own, or that of the same scenes before the camera.
    fn stream(self) -> Self {
        match self {
            Self::Shifted => Self::Everyday,
            style => style,
        }
    }

    /// The style of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.name() == name)
    }
}

/// One split: its name, which also selects its random stream, and its number of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitSpec {
    /// Lower-case ASCII letters, digits and `-`; also the name of its folder.
    pub name: String,
    /// Images, each with [`CAPTIONS_PER_IMAGE`] captions.
    pub images: u64,
}

/// A whole data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlocksSpec {
    /// Seed of everything.
    pub seed: u64,
    /// Width and height of every image, in pixels, within [`IMAGE_SIZES`].
    pub image_size: u32,
    /// Scene statistics and wording.
    pub style: Style,
    /// The splits, in the order in which they are written; names are unique.
    pub splits: Vec<SplitSpec>,
}

/// One scene, drawn and described.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What is in the picture.
    pub scene: Scene,
    /// The picture, `image_size` x `image_size`.
    pub image: RgbImage,
    /// What people said about it.
    pub captions: [String; CAPTIONS_PER_IMAGE],
    /// What it is an instance of, in the style [`Style::Roles`].
    pub role: Option<Role>,
    /// Whether the captions are said of its role, so that all images of the role answer them.
    pub by_role: bool,
}

impl Sample {
    /// Class (blank where captions are of the image alone) and group, if it has a role.
    pub(crate) fn labels(&self) -> Vec<String> {
        let labels = |role: Role| {
            let class = if self.by_role {
                role.name()
            } else {
                String::new()
            };
            vec![class, role.group.words()[0].to_owned()]
        };
        self.role.map(labels).unwrap_or_default()
    }
}

/// Splits of the everyday scenes, however they are seen.
const EVERYDAY_SPLITS: [(&str, u64); 3] = [("train", 6000), ("validation", 1000), ("test", 1000)];

impl BlocksSpec {
    /// `blocks`: 6,000 images to train on, 1,000 to validate and 1,000 to test, 64 x 64, everyday style.
    pub fn blocks(seed: u64) -> Self {
        Self::new(seed, Style::Everyday, &EVERYDAY_SPLITS)
    }

    /// `blocks-shifted`: the scenes and captions of `blocks`, split by split, through an unfamiliar camera. What differs
    /// between results on the two is the camera's alone.
    pub fn blocks_shifted(seed: u64) -> Self {
        Self::new(seed, Style::Shifted, &EVERYDAY_SPLITS)
    }

    /// `blocks-styled`: 2,000 images in catalogue style, for reference sets from another distribution.
    pub fn blocks_styled(seed: u64) -> Self {
        Self::new(seed, Style::Catalogue, &[("train", 2000)])
    }

    /// `blocks-roles`: 40 roles in two groups, 2,000 images to train on in which each role is skewed to one of them, and a
    /// balanced gallery of 400 to test.
    pub fn blocks_roles(seed: u64) -> Self {
        Self::new(seed, Style::Roles, &[("train", 2000), (BALANCED, 400)])
    }

    fn new(seed: u64, style: Style, splits: &[(&str, u64)]) -> Self {
        let splits = splits
            .iter()
            .map(|&(name, images)| SplitSpec {
                name: name.to_owned(),
                images,
            })
            .collect();
        Self {
            seed,
            image_size: 64,
            style,
            splits,
        }
    }

    /// Images of all splits.
    pub fn images(&self) -> u64 {
        self.splits.iter().map(|split| split.images).sum()
    }

    /// Sample `index` of the split of that name, which need not be one of `splits` (the checkpoint was trained on the
    /// endless split `pretrain`). Depends on the seed, the style, the split's name, the index and, for the pixels
    /// only, the image size.
    ///
    /// # Errors
    ///
    /// [`BlocksError::ImageSize`] if `image_size` is outside [`IMAGE_SIZES`].
    pub fn sample(&self, split: &str, index: u64) -> Result<Sample, BlocksError> {
        self.check_size()?;
        let (scene, role) = self.scene(split, index);
        let image = self.picture(&scene);
        let said = role.filter(|_| split == BALANCED);
        let captions = match said {
            Some(role) => role.queries(),
            None => self.captions(&scene, split, index),
        };
        Ok(Sample {
            scene,
            image,
            captions,
            role,
            by_role: said.is_some(),
        })
    }

    /// Refuses what cannot be drawn or written.
    ///
    /// # Errors
    ///
    /// [`BlocksError::ImageSize`] outside [`IMAGE_SIZES`]; [`BlocksError::SplitName`] for a name that is not a plain
    /// folder name; [`BlocksError::DuplicateSplit`].
    pub fn check(&self) -> Result<(), BlocksError> {
        self.check_size()?;
        for (index, SplitSpec { name, .. }) in self.splits.iter().enumerate() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if name.is_empty() || !name.chars().all(plain) {
                return Err(BlocksError::SplitName {
                    found: name.clone(),
                });
            }
            if self.splits[..index]
                .iter()
                .any(|earlier| earlier.name == *name)
            {
                return Err(BlocksError::DuplicateSplit { name: name.clone() });
            }
        }
        Ok(())
    }

    fn check_size(&self) -> Result<(), BlocksError> {
        match IMAGE_SIZES.contains(&self.image_size) {
            true => Ok(()),
            false => Err(BlocksError::ImageSize {
                found: self.image_size,
            }),
        }
    }

    fn picture(&self, scene: &Scene) -> RgbImage {
        let image = draw(scene, self.image_size);
        match self.style {
            Style::Shifted => camera::photograph(image),
            Style::Everyday | Style::Catalogue | Style::Roles => image,
        }
    }

    fn scene(&self, split: &str, index: u64) -> (Scene, Option<Role>) {
        let draws = &mut self.draws(split, index, Purpose::Scene);
        match self.style {
            Style::Everyday | Style::Shifted => (sample_scene(draws, &EVERYDAY), None),
            Style::Catalogue => (sample_scene(draws, &CATALOGUE), None),
            Style::Roles => {
                let role = Role::of(split, index, draws);
                (role.scene(draws), Some(role))
            }
        }
    }

    /// Five captions; one that repeats an earlier one of the same image is drawn again, up to four times.
    fn captions(&self, scene: &Scene, split: &str, index: u64) -> [String; CAPTIONS_PER_IMAGE] {
        let draws = &mut self.draws(split, index, Purpose::Captions);
        let mut captions: [String; CAPTIONS_PER_IMAGE] = Default::default();
        for place in 0..CAPTIONS_PER_IMAGE {
            let mut caption = self.caption(scene, draws);
            for _ in 0..4 {
                if !captions[..place].contains(&caption) {
                    break;
                }
                caption = self.caption(scene, draws);
            }
            captions[place] = caption;
        }
        captions
    }

    fn caption(&self, scene: &Scene, draws: &mut Draws) -> String {
        match self.style {
            Style::Everyday | Style::Shifted | Style::Roles => everyday_caption(scene, draws),
            Style::Catalogue => catalogue_caption(scene, draws),
        }
    }

    fn draws(&self, split: &str, index: u64, purpose: Purpose) -> Draws {
        Draws::new(self.seed, self.style.stream().name(), split, index, purpose)
    }
}
