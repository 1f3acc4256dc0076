//! Alone as in a batch where the matrix products change their ways: inner dimensions above 512 with results of few
//! columns, on a checkpoint made here.

use nnn_encode::{CheckpointFiles, Compute, Encoder};
use safetensors::tensor::{Dtype, TensorView};
use std::fs;
use std::path::Path;

const WIDTH: usize = 640;
const INNER: usize = 1100;
const PROJECTION: usize = 8;
const CONTEXT: usize = 20;
const VOCABULARY: usize = 574;

/// Uniform values around zero, from a linear congruential generator.
fn noise(count: usize, scale: f32, state: &mut u64) -> Vec<u8> {
    let mut next = || {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((*state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * scale
    };
    (0..count).flat_map(|_| next().to_le_bytes()).collect()
}

fn tower(prefix: &str, norms: [&str; 2]) -> Vec<(String, Vec<usize>)> {
    let layer = |part: &str| format!("{prefix}.encoder.layers.0.{part}");
    let mut shapes = Vec::new();
    let mut linear = |name: String, output: usize, input: usize| {
        shapes.push((format!("{name}.weight"), vec![output, input]));
        shapes.push((format!("{name}.bias"), vec![output]));
    };
    for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
        linear(layer(&format!("self_attn.{part}")), WIDTH, WIDTH);
    }
    linear(layer("mlp.fc1"), INNER, WIDTH);
    linear(layer("mlp.fc2"), WIDTH, INNER);
    let outer = norms.into_iter().filter(|it| !it.is_empty());
    let outer = outer.map(|it| format!("{prefix}.{it}"));
    for name in outer.chain([layer("layer_norm1"), layer("layer_norm2")]) {
        shapes.push((format!("{name}.weight"), vec![WIDTH]));
        shapes.push((format!("{name}.bias"), vec![WIDTH]));
    }
    shapes
}

fn write_checkpoint(folder: &Path) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pickle-2021");
    for file in ["vocab.json", "merges.txt", "preprocessor_config.json"] {
        fs::copy(golden.join(file), folder.join(file)).expect(file);
    }
    let size = serde_json::json!({"hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": 1,
        "num_attention_heads": 10, "vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT,
        "eos_token_id": VOCABULARY - 1, "image_size": 32, "patch_size": 16});
    let config = serde_json::json!({"projection_dim": PROJECTION, "text_config": size, "vision_config": size});
    fs::write(folder.join("config.json"), config.to_string()).expect("config.json");
    let mut shapes = tower("text_model", ["final_layer_norm", ""]);
    shapes.extend(tower("vision_model", ["pre_layrnorm", "post_layernorm"]));
    for (name, shape) in [
        (
            "text_model.embeddings.token_embedding.weight",
            vec![VOCABULARY, WIDTH],
        ),
        (
            "text_model.embeddings.position_embedding.weight",
            vec![CONTEXT, WIDTH],
        ),
        ("vision_model.embeddings.class_embedding", vec![WIDTH]),
        (
            "vision_model.embeddings.patch_embedding.weight",
            vec![WIDTH, 3, 16, 16],
        ),
        (
            "vision_model.embeddings.position_embedding.weight",
            vec![5, WIDTH],
        ),
        ("text_projection.weight", vec![PROJECTION, WIDTH]),
        ("visual_projection.weight", vec![PROJECTION, WIDTH]),
    ] {
        shapes.push((name.to_string(), shape));
    }
    let mut state = 1;
    let data: Vec<_> = shapes
        .into_iter()
        .map(|(name, shape)| {
            let bytes = noise(shape.iter().product(), 0.1, &mut state);
            (name, shape, bytes)
        })
        .collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (name, view.expect("a tensor"))
    });
    let bytes = safetensors::serialize(views, None).expect("bytes");
    fs::write(folder.join("model.safetensors"), bytes).expect("weights");
}

/// Guards against residuals added in another order where a batch is large enough for the fast path through the layers.
#[test]
fn alone_is_as_in_a_batch_to_the_bit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_checkpoint(folder.path());
    let files = CheckpointFiles::folder(folder.path()).expect("a folder");
    for dtype in ["f32", "bf16"] {
        let compute = Compute::new("cpu", dtype).expect("a number type");
        assert_alone_as_in_batches(&*encoder_clip::load(&files, &compute).expect("the checkpoint"));
    }
}

fn assert_alone_as_in_batches(encoder: &dyn Encoder) {
    let mut state = 9;
    let pixels: Vec<Vec<f32>> = (0..70)
        .map(|_| {
            let bytes = noise(3 * 32 * 32, 4.0, &mut state);
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|it| f32::from_le_bytes(*it))
                .collect()
        })
        .collect();
    let together = encoder.encode_pixels(&pixels).expect("images");
    assert!(together.iter().all(|it| it.is_finite()) && together[0] != together[PROJECTION]);
    for size in [1, 13, 33, 65] {
        let parts = pixels
            .chunks(size)
            .map(|it| encoder.encode_pixels(it).expect("images"));
        assert_eq!(
            parts.collect::<Vec<_>>().concat(),
            together,
            "{size} images"
        );
    }
    for length in [2, 16, 17] {
        let sequence = |item: usize| {
            let ids = (1..length).map(|at| ((item * 31 + at * 7) % (VOCABULARY - 1)) as u32);
            ids.chain([VOCABULARY as u32 - 1]).collect()
        };
        let ids: Vec<Vec<u32>> = (0..70).map(sequence).collect();
        let together = encoder.encode_tokens(&ids).expect("texts");
        for size in [1, 32, 65] {
            let parts = ids
                .chunks(size)
                .map(|it| encoder.encode_tokens(it).expect("texts"));
            assert_eq!(
                parts.collect::<Vec<_>>().concat(),
                together,
                "{size} texts of {length}"
            );
        }
    }
}
