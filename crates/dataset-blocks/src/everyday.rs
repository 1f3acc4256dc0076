//! Everyday captions: what a person might say about a scene, always leaving something out.

use crate::draws::Draws;
use crate::scene::{Cell, Object, Scene};
use crate::vocabulary::{Pattern, Size};

/// One caption: objects one by one, two objects in relation, the gist, or the setting first.
pub(crate) fn everyday_caption(scene: &Scene, draws: &mut Draws) -> String {
    let text = match draws.weighted(&[56, 24, 10, 10]) {
        0 => enumeration(scene, draws),
        1 if scene.objects.len() > 1 => relation(scene, draws),
        1 => enumeration(scene, draws),
        2 => gist(scene, draws),
        _ => setting_first(scene, draws),
    };
    if draws.chance(30) {
        sentence(&text)
    } else {
        text
    }
}

/// "a picture of a red circle and a small striped star on grass"
fn enumeration(scene: &Scene, draws: &mut Draws) -> String {
    let opening = draws.pick(&[
        "",
        "",
        "",
        "",
        "a picture of ",
        "there is ",
        "i see ",
        "this is ",
        "an image with ",
    ]);
    let count = draws.weighted(&[40, 42, 18]) + 1;
    let mut text = opening.to_string() + &list(scene, draws, count);
    if draws.chance(34) {
        text = text + " " + draws.pick(scene.background.words());
    }
    text
}

/// "a large blue heart to the left of a ring"
fn relation(scene: &Scene, draws: &mut Draws) -> String {
    let chosen = notice(scene, draws, 2);
    let (first, second) = (chosen[0], chosen[1]);
    let between = relation_words(first.cell, second.cell, draws);
    let text = format!(
        "{} {between} {}",
        noun_phrase(first, draws),
        noun_phrase(second, draws)
    );
    if draws.chance(20) {
        format!("{text} {}", draws.pick(scene.background.words()))
    } else {
        text
    }
}

/// Words for where the first cell lies, seen from the second: along one of the axes that tell them apart.
fn relation_words(first: Cell, second: Cell, draws: &mut Draws) -> &'static str {
    if draws.chance(12) {
        return draws.pick(&["next to", "near", "together with"]);
    }
    let sideways = first.row == second.row || (first.column != second.column && draws.chance(50));
    match (
        sideways,
        first.column < second.column,
        first.row < second.row,
    ) {
        (true, true, _) => draws.pick(&["to the left of", "left of"]),
        (true, false, _) => draws.pick(&["to the right of", "right of"]),
        (false, _, true) => draws.pick(&["above", "above", "over"]),
        (false, _, false) => draws.pick(&["below", "below", "under"]),
    }
}

/// "three shapes, including a pink heart" or "a messy picture of two things at night"
fn gist(scene: &Scene, draws: &mut Draws) -> String {
    let mut text = head_count(scene, draws);
    if draws.chance(60) {
        text = text + " " + draws.pick(scene.background.words());
    }
    if draws.chance(75) {
        let joint = match scene.objects.len() {
            1 => draws.pick(&[", ", ": "]),
            _ => draws.pick(&[", including ", ", one is ", " with "]),
        };
        text = text + joint + &list(scene, draws, 1);
    }
    text
}

/// "just three things"
fn head_count(scene: &Scene, draws: &mut Draws) -> String {
    let count = ["one", "two", "three", "four"][scene.objects.len() - 1];
    let noun = match scene.objects.len() {
        1 => draws.pick(&["shape", "thing", "object"]),
        _ => draws.pick(&["shapes", "things", "objects"]),
    };
    let opening = match scene.is_messy() {
        true => draws.pick(&[
            "a messy picture of ",
            "lots of confetti and ",
            "clutter around ",
        ]),
        false => draws.pick(&["", "", "just ", "a picture with "]),
    };
    format!("{opening}{count} {noun}")
}

/// "on a sandy beach there is a yellow star"
fn setting_first(scene: &Scene, draws: &mut Draws) -> String {
    let setting = draws.pick(scene.background.words());
    let joint = draws.pick(&[" there is ", ", ", " you can see "]);
    let count = draws.weighted(&[50, 50]) + 1;
    format!("{setting}{joint}{}", list(scene, draws, count))
}

/// The objects that catch the eye, at most `count` of them, joined as in a sentence.
fn list(scene: &Scene, draws: &mut Draws, count: usize) -> String {
    let phrases: Vec<String> = notice(scene, draws, count)
        .into_iter()
        .map(|o| noun_phrase(o, draws))
        .collect();
    match phrases.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => phrases.concat(),
    }
}

/// At most `count` different objects, the larger ones noticed first more often.
fn notice<'a>(scene: &'a Scene, draws: &mut Draws, count: usize) -> Vec<&'a Object> {
    let mut left: Vec<&Object> = scene.objects.iter().collect();
    let mut seen = Vec::with_capacity(count);
    while seen.len() < count && !left.is_empty() {
        let weights: Vec<u32> = left.iter().map(|object| salience(object)).collect();
        seen.push(left.remove(draws.weighted(&weights)));
    }
    seen
}

fn salience(object: &Object) -> u32 {
    match object.size {
        Size::Small => 2,
        Size::Medium => 3,
        Size::Large => 5,
    }
}

/// "a big striped red heart in the top left corner", or any part of it.
fn noun_phrase(object: &Object, draws: &mut Draws) -> String {
    let mut words = Vec::new();
    if draws.chance(55) {
        words.extend(pick_word(object.size.words(), draws));
    }
    if draws.chance(65) {
        words.extend(pick_word(object.pattern.words(), draws));
    }
    if draws.chance(88) {
        words.extend(pick_word(object.colour.words(), draws));
    }
    // Now and then the shape is too much trouble to name, but never when nothing else is said.
    let vague = !words.is_empty() && draws.chance(6);
    words.push(if vague {
        draws.pick(&["shape", "thing"])
    } else {
        draws.pick(object.shape.words())
    });
    let after = afterthought(object, draws);
    format!("{} {}{after}", article(words[0]), words.join(" "))
}

/// What follows the noun: the pattern said in another way, or the place.
fn afterthought(object: &Object, draws: &mut Draws) -> String {
    let pattern = match object.pattern {
        Pattern::Striped => " with stripes",
        Pattern::Dotted => " with dots",
        Pattern::Solid | Pattern::Checkered => "",
    };
    match draws.weighted(&[60, 8, 32]) {
        0 => String::new(),
        1 => pattern.to_owned(),
        _ => format!(" {}", place_words(object.cell, draws)),
    }
}

/// A place, exact or with one of its two directions left out.
fn place_words(cell: Cell, draws: &mut Draws) -> String {
    let column = ["left", "", "right"][usize::from(cell.column)];
    let row = [["top", "upper"], ["", ""], ["bottom", "lower"]][usize::from(cell.row)];
    match (column, row[0]) {
        ("", "") => draws.pick(&["in the middle", "in the center"]).to_owned(),
        ("", row) => format!("at the {row}"),
        (column, "") => format!("on the {column}"),
        (column, vertical) => match draws.weighted(&[3, 3, 2, 2]) {
            0 => format!("in the {vertical} {column} corner"),
            1 => format!("in the {} {column}", row[1]),
            2 => format!("at the {vertical}"),
            _ => format!("on the {column}"),
        },
    }
}

fn pick_word(words: &[&'static str], draws: &mut Draws) -> Option<&'static str> {
    (!words.is_empty()).then(|| draws.pick(words))
}

pub(crate) fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

/// With a capital and a full stop. Captions are ASCII.
fn sentence(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_ascii_uppercase() + rest + "."
}
