//! Catalogue captions: terse tags, as a shop or an archive would file the scene.

use crate::draws::Draws;
use crate::scene::{Object, Scene};
use crate::vocabulary::{Pattern, Size};

/// One entry: tags of one object, an inventory of a few, or a count with the setting.
pub(crate) fn catalogue_caption(scene: &Scene, draws: &mut Draws) -> String {
    match draws.weighted(&[50, 35, 15]) {
        0 => single(scene, draws),
        1 => inventory(scene, draws),
        _ => summary(scene, draws),
    }
}

/// "red heart, stripes, large / lawn"
fn single(scene: &Scene, draws: &mut Draws) -> String {
    let object = &scene.objects[draws.below(scene.objects.len() as u32) as usize];
    let mut text = format!("{}{}", draws.pick(&["", "", "item: "]), tags(object, draws));
    if draws.chance(40) {
        text = text + " / " + scene.background.tag();
    }
    text
}

/// "blue disc + pink hoop, dots"
fn inventory(scene: &Scene, draws: &mut Draws) -> String {
    let objects: Vec<String> = scene
        .objects
        .iter()
        .take(3)
        .map(|object| tags(object, draws))
        .collect();
    objects.join(draws.pick(&[" + ", "; "]))
}

/// "qty 3, mixed, backdrop: sand"
fn summary(scene: &Scene, draws: &mut Draws) -> String {
    let kind = scene.objects[0].shape;
    let same = scene.objects.iter().all(|object| object.shape == kind);
    let kind = if same { kind.tag() } else { "mixed" };
    let colour = scene.objects[draws.below(scene.objects.len() as u32) as usize]
        .colour
        .tag();
    format!(
        "qty {}, {kind}, {colour}, backdrop: {}",
        scene.objects.len(),
        scene.background.tag()
    )
}

/// "violet rhombus, checks, small": the pattern and the size are not always filed.
fn tags(object: &Object, draws: &mut Draws) -> String {
    let mut tags = vec![format!("{} {}", object.colour.tag(), object.shape.tag())];
    if object.pattern != Pattern::Solid && draws.chance(70) {
        tags.push(object.pattern.tag().to_owned());
    }
    if object.size != Size::Medium && draws.chance(50) {
        tags.push(object.size.tag().to_owned());
    }
    tags.join(", ")
}
