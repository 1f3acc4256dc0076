//! `queries/*.parquet`: where every method ranks what answers a query, and which items it ranks first.

use std::path::Path;

use polars_core::prelude::*;

use crate::error::ReportError;
use crate::records::frame::{Columns, texts, write_parquet};

/// The results of all methods on one set of queries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryTable {
    /// Id of every query.
    pub query_ids: Vec<String>,
    /// Cluster of every query, as a number: what the bootstrap resamples, such as images. As long as `query_ids`.
    pub clusters: Vec<u32>,
    /// The methods, in the order reported.
    pub methods: Vec<QueryColumn>,
}

/// The results of one method on all queries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryColumn {
    /// The method's signature, such as `nnn(k=128,alpha=0.75)`.
    pub method: String,
    /// How its parameters came about: `fixed`, `validation` or `oracle`; empty without parameters.
    pub chosen: String,
    /// Rank of the first relevant item of every query, from 1. Fractions only under a tie rule that averages.
    pub first_rank: Vec<f64>,
    /// Gallery indices of the best items, best first: `queries x top_width`, row by row.
    pub top: Vec<u32>,
    /// How many best items are kept for each query.
    pub top_width: usize,
}

/// Writes a table in long format, one row per method and query: `method, chosen, query` (index from 0), `query_id, cluster,
/// rank, top` (list of gallery indices). Equal tables give equal bytes; the file is replaced whole or not at all.
///
/// A table without methods has no rows, so that its queries are not kept.
///
/// # Errors
/// [`ReportError::Length`] where the columns do not fit the number of queries, [`ReportError::Write`] where the file
/// system refuses, [`ReportError::Encode`] where polars does.
pub fn write_queries(path: &Path, table: &QueryTable) -> Result<(), ReportError> {
    check(table)?;
    let frame = frame(table).map_err(ReportError::encode(path))?;
    write_parquet(path, &frame)
}

/// Reads what [`write_queries`] wrote.
///
/// # Errors
/// [`ReportError::Read`], [`ReportError::Parse`] or [`ReportError::NoValue`] where the file is missing, is damaged or has
/// other columns, [`ReportError::Length`] where the methods do not have the same number of queries, or the queries of a
/// method not the same number of best items.
pub fn read_queries(path: &Path) -> Result<QueryTable, ReportError> {
    let file = Columns::parquet(path)?;
    let methods = file.texts("method")?;
    let chosen = file.texts("chosen")?;
    let ranks = file.full_numbers("rank")?;
    let tops = file.lists("top")?;
    let starts = starts(&file.indices("query")?);
    let mut table = QueryTable {
        query_ids: file.texts("query_id")?,
        clusters: file.indices("cluster")?,
        methods: Vec::new(),
    };
    for (at, &start) in starts.iter().enumerate() {
        let end = starts.get(at + 1).copied().unwrap_or(file.rows());
        let rows = start..end;
        table.methods.push(QueryColumn {
            method: methods[start].clone(),
            chosen: chosen[start].clone(),
            first_rank: ranks[rows.clone()].to_vec(),
            top_width: tops[start].len(),
            top: tops[rows].concat(),
        });
    }
    let queries = starts.get(1).copied().unwrap_or(file.rows());
    table.query_ids.truncate(queries);
    table.clusters.truncate(queries);
    check(&table)?;
    Ok(table)
}

/// Rows where a method begins: its queries count from 0.
fn starts(queries: &[u32]) -> Vec<usize> {
    let zeros = queries.iter().enumerate().filter(|(_, query)| **query == 0);
    zeros.map(|(row, _)| row).collect()
}

fn check(table: &QueryTable) -> Result<(), ReportError> {
    let queries = table.query_ids.len();
    same_length("clusters", queries, table.clusters.len())?;
    for column in &table.methods {
        let method = &column.method;
        let top = queries * column.top_width;
        same_length(
            &format!("ranks of {method}"),
            queries,
            column.first_rank.len(),
        )?;
        same_length(&format!("best items of {method}"), top, column.top.len())?;
    }
    Ok(())
}

fn same_length(what: &str, expected: usize, received: usize) -> Result<(), ReportError> {
    if expected == received {
        return Ok(());
    }
    Err(ReportError::Length {
        what: what.to_owned(),
        expected,
        received,
    })
}

fn frame(table: &QueryTable) -> PolarsResult<DataFrame> {
    let (queries, methods) = (table.query_ids.len(), &table.methods);
    let repeat = |get: fn(&QueryColumn) -> &str| {
        let each = move |column| std::iter::repeat_n(get(column), queries);
        methods.iter().flat_map(each)
    };
    let ids = methods
        .iter()
        .flat_map(|_| table.query_ids.iter().map(String::as_str));
    let index: Vec<u32> = methods.iter().flat_map(|_| 0..queries as u32).collect();
    let clusters: Vec<u32> = methods
        .iter()
        .flat_map(|_| table.clusters.clone())
        .collect();
    let ranks: Vec<f64> = methods
        .iter()
        .flat_map(|column| column.first_rank.clone())
        .collect();
    let columns = vec![
        texts("method", repeat(|column| &column.method)),
        texts("chosen", repeat(|column| &column.chosen)),
        Column::new("query".into(), index),
        texts("query_id", ids),
        Column::new("cluster".into(), clusters),
        Column::new("rank".into(), ranks),
        tops(methods, queries),
    ];
    DataFrame::new(queries * methods.len(), columns)
}

fn tops(methods: &[QueryColumn], queries: usize) -> Column {
    let rows = queries * methods.len();
    let values = methods.iter().map(|column| column.top.len()).sum();
    let mut lists = ListPrimitiveChunkedBuilder::<UInt32Type>::new(
        "top".into(),
        rows,
        values,
        DataType::UInt32,
    );
    for column in methods {
        for query in 0..queries {
            lists.append_slice(&column.top[query * column.top_width..][..column.top_width]);
        }
    }
    lists.finish().into_column()
}
