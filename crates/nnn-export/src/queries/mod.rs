//! `queries.md`: how each engine is given the items and asked.
//!
//! The engines are sections of `template.md`. `{{a|b|c}}` is the word of the form ip, l2 or cosine; a section with no word for the form
//! is left out. `{{dim}}` and the like are numbers of the export.

use crate::expect::pgvector_limit;
use crate::forms::Form;
use crate::items::Format;
use crate::manifest::Manifest;

/// The name of the file.
pub(crate) const FILE: &str = "queries.md";

const TEMPLATE: &str = include_str!("template.md");

pub(crate) fn text(manifest: &Manifest) -> String {
    let sections = TEMPLATE.split_inclusive("\n\n## ");
    let sections = sections.map(|it| it.trim_start_matches("## ").trim_end_matches("\n\n## "));
    let sections = sections.filter(|it| manifest.items != Format::Pgcopy || it.contains(PGVECTOR));
    let filled = sections.filter_map(|section| fill(section.trim_end(), manifest));
    let engines: String = filled.map(|section| format!("\n## {section}\n")).collect();
    format!("{}{engines}", head(manifest))
}

/// Where the section about pgvector stands: it depends on the format.
const PGVECTOR: &str = "{{pgvector}}";

/// What is true of all engines.
fn head(manifest: &Manifest) -> String {
    let Manifest {
        method,
        metric,
        count,
        dim_out,
        ..
    } = manifest;
    let expect: String = manifest
        .expect
        .iter()
        .map(|it| format!("- {it}\n"))
        .collect();
    format!(
        "# {count} items corrected by {method}\n\n\
         Every item has {dim_out} coordinates. Rank them by {metric}.\n\n\
         {expect}\n\
         ## A query\n\n```python\n{}```\n{}{}",
        query(manifest),
        meaning(manifest),
        items(manifest)
    )
}

/// The lines that make an engine's query of a vector.
fn query(manifest: &Manifest) -> String {
    let mut lines = vec!["query = query / np.linalg.norm(query)".to_owned()];
    if let Some(map) = &manifest.query_map {
        let shift = |file| format!("query = query - np.load(\"{file}\")[0]");
        let matrix = |file| format!("query = np.load(\"{file}\") @ query");
        lines.extend(map.shift.as_ref().map(shift));
        lines.extend(map.matrix.as_ref().map(matrix));
        lines.extend(map.normalize.then(|| lines[0].clone()));
    }
    if !manifest.query_suffix.is_empty() {
        lines.push(format!(
            "query = np.append(query, np.float32({:?}))",
            manifest.query_suffix
        ));
    }
    lines.push("query = query.astype(np.float32)".to_owned());
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// How the corrected score follows from what an engine returns; of moved vectors it is what the engine returns.
fn meaning(manifest: &Manifest) -> String {
    let (Some(c), Some(offset)) = (manifest.c, manifest.offset) else {
        return String::new();
    };
    let said = match manifest.form {
        Form::Ip => format!(
            "`p - ({offset})`, where `p` is the inner product: the number itself (faiss, Qdrant, Milvus), 1 less the number (hnswlib, usearch, \
             LanceDB, Chroma), or the number with its sign turned (pgvector, DuckDB)"
        ),
        Form::L2 => format!(
            "`1 - ({offset}) - e / 2`, where `e` is the squared distance: the number itself (faiss, hnswlib, usearch, LanceDB, Chroma), or \
             its square (Qdrant, pgvector, DuckDB, sqlite-vec)"
        ),
        Form::Cosine => {
            let lengths = manifest.length.unwrap_or(1.0) * c.recip().hypot(1.0);
            format!(
                "`{lengths} p - ({offset})`, where `p` is the cosine: the number itself (Qdrant), or 1 less the number (hnswlib, usearch, LanceDB, \
                 Chroma, pgvector, DuckDB, sqlite-vec)"
            )
        }
    };
    format!(
        "\nThe corrected score `s - b` of an item follows from the number that an engine returns: {said}.\n"
    )
}

/// The lines that read the items, where an engine does not read the file by itself.
fn items(manifest: &Manifest) -> String {
    let ids = match manifest.named_ids {
        true => "open(\"ids.txt\").read().splitlines()",
        false => "np.load(\"ids.npy\").tolist()",
    };
    let lines = match manifest.items {
        Format::Parquet => "table = pyarrow.parquet.read_table(\"items.parquet\")\n\
             ids, items = table[\"id\"].to_pylist(), np.stack(table[\"vector\"].to_numpy())\n"
            .to_owned(),
        Format::Npy => format!("ids, items = {ids}, np.load(\"items.npy\")\n"),
        Format::Fvecs => format!(
            "ids, items = {ids}, np.fromfile(\"items.fvecs\", \"<f4\").reshape({}, -1)[:, 1:].copy()\n",
            manifest.count
        ),
        Format::Jsonl => "rows = [json.loads(line) for line in open(\"items.jsonl\")]\n\
             ids, items = [row[\"id\"] for row in rows], np.array([row[\"vector\"] for row in rows], np.float32)\n"
            .to_owned(),
        Format::Pgcopy => return String::new(),
    };
    format!("\n## The items\n\n```python\n{lines}```\n")
}

/// A section with its words; none where the form has none.
fn fill(section: &str, manifest: &Manifest) -> Option<String> {
    let mut out = String::new();
    let mut rest = section;
    while let Some((before, (inside, after))) = placeholder(rest) {
        out.push_str(before);
        out.push_str(&word(inside, manifest)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// What stands before the next placeholder, in it and behind it.
fn placeholder(text: &str) -> Option<(&str, (&str, &str))> {
    let (before, rest) = text.split_once("{{")?;
    Some((before, rest.split_once("}}")?))
}

fn word(inside: &str, manifest: &Manifest) -> Option<String> {
    let of_form = match manifest.form {
        Form::Ip => 0,
        Form::L2 => 1,
        Form::Cosine => 2,
    };
    Some(match inside {
        "dim" => manifest.dim_out.to_string(),
        "count" => manifest.count.to_string(),
        "sqlid" => sql_id(manifest).to_owned(),
        "pgvector" => pgvector(manifest),
        words => {
            let word = words.split('|').nth(of_form).unwrap_or_default();
            (!word.is_empty()).then(|| word.to_owned())?
        }
    })
}

fn sql_id(manifest: &Manifest) -> &'static str {
    match manifest.named_ids {
        true => "text",
        false => "bigint",
    }
}

fn pgvector(manifest: &Manifest) -> String {
    let (operator, family) = match manifest.form {
        Form::Ip => ("<#>", "ip"),
        Form::L2 => ("<->", "l2"),
        Form::Cosine => ("<=>", "cosine"),
    };
    if manifest.items != Format::Pgcopy {
        return "Export with `--to pgcopy` for a file that `COPY` reads.".to_owned();
    }
    let dim = manifest.dim_out;
    let table = format!(
        "CREATE TABLE items (id {} PRIMARY KEY, embedding vector({dim}));",
        sql_id(manifest)
    );
    let copy = "\\copy items FROM 'items.copy' WITH (FORMAT binary)";
    let index = match pgvector_limit(manifest) {
        None => format!("CREATE INDEX ON items USING hnsw (embedding vector_{family}_ops);"),
        Some(limit) => format!("-- {limit}"),
    };
    let ask =
        format!("SELECT id FROM items ORDER BY embedding {operator} '[...]'::vector LIMIT 10;");
    format!(
        "```text\n{table}\n{copy}\n{index}\n{ask}\n```\n\n`[...]` is the query as pgvector writes vectors: `str(query.tolist())`."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_has_three_words_or_is_known() {
        let mut rest = TEMPLATE;
        let mut found = 0;
        while let Some((_, (inside, after))) = placeholder(rest) {
            let known = ["dim", "count", "sqlid", "pgvector"].contains(&inside);
            assert!(known || inside.split('|').count() == 3, "{inside}");
            (rest, found) = (after, found + 1);
        }
        assert!(found > 20);
    }
}
