//! Whether a trial fits the memory that the run may take (`compute.memory`), and how many images may share a forward pass in it.

use crate::memory::taken;
use crate::open::trials::TrialPlan;
use crate::open::{Side, TaskItems};
use crate::plan::Plan;
use crate::spec::MemorySpec;
use anyhow::{Result, bail};
use nnn_core::{BankSizes, MethodKind, Stat, StatPlan, memory};
use nnn_files::counted;
use nnn_trial::{Choose, Method};

/// Bytes of code that has not run yet, of tables and of the page, on top of what a small run takes.
const REST: u64 = 32 << 20;

/// Most bytes of packed columns and blocks of scores.
const BLOCKS: u64 = 24 << 20;

/// What a trial takes at most on top of what the process has, part by part, estimated from above.
#[derive(Default)]
pub(super) struct Need {
    parts: Vec<(String, u64)>,
}

impl Need {
    /// Of vectors that are still to be read or encoded: all of them, and the largest once more while it is made.
    pub(super) fn of_vectors(sides: &[&Side], dim: usize) -> Self {
        let bytes = |side: &&Side| product(&[side.len(), dim, size_of::<f32>()]);
        let all: u64 = sides.iter().map(bytes).sum();
        let largest = sides.iter().map(bytes).max().unwrap_or(0);
        let mut need = Self::default();
        need.add("vectors".to_owned(), all + largest);
        need.add("the program, tables and page".to_owned(), REST);
        need
    }

    /// Of one image's way through the model, at least one at a time.
    pub(super) fn and_image(mut self, bytes: u64) -> Self {
        self.add("an image's forward pass".to_owned(), bytes);
        self
    }

    /// Of a model of another number type in single precision, beside which it is measured.
    pub(super) fn and_single(mut self, bytes: u64) -> Self {
        self.add("the model in single precision".to_owned(), bytes);
        self
    }

    /// Of the passes over banks and queries and of the statistics of their results.
    pub(super) fn and_passes(mut self, plan: &Plan, trial: &TrialPlan, dim: usize) -> Self {
        let methods: Vec<&Method> = trial.methods.iter().map(|&at| &plan.methods[at]).collect();
        let tasks = [Some(&trial.test), trial.validation.as_ref()];
        let passes = Passes {
            methods: &methods,
            tasks: tasks.into_iter().flatten().collect(),
            sizes: sizes(trial),
            dim,
        };
        self.add("statistics of the banks".to_owned(), passes.statistics());
        let points = methods.iter().map(|method| method.points.len()).sum();
        let chosen = methods.iter().any(|it| it.choose != Choose::Fixed);
        let what = counted(points, "parameter point");
        self.add(what, if chosen { passes.points(points) } else { 0 });
        let settings = 1 + methods.iter().map(|it| it.reported()).sum::<usize>();
        let top = plan
            .settings
            .measures
            .top
            .max(plan.settings.rerank.unwrap_or(0));
        let what = format!("{} with lists", counted(settings, "reported setting"));
        self.add(what, passes.report(settings, top));
        let draws = plan.settings.measures.metrics.resampling.bootstraps;
        let what = counted(draws, "resample");
        self.add(what, product(&[draws, 24 + 8 * settings]));
        self.add(
            "blocks of scores".to_owned(),
            passes.blocks(points, settings, top),
        );
        if !plan.settings.encoders.device.is_cpu() {
            self.add(
                "products of the device".to_owned(),
                memory::ON_DEVICE as u64,
            );
        }
        self
    }

    fn add(&mut self, what: String, bytes: u64) {
        if bytes > 0 {
            self.parts.push((what, bytes));
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.parts
            .iter()
            .fold(0, |all, it| all.saturating_add(it.1))
    }

    /// Refuses what does not fit.
    pub(super) fn check(&self, trial: &TrialPlan, most: MemorySpec) -> Result<()> {
        let now = taken();
        let all = now.saturating_add(self.bytes());
        if all <= most.0 {
            return Ok(());
        }
        let mut parts: Vec<_> = self.parts.iter().collect();
        parts.sort_by_key(|it| std::cmp::Reverse(it.1));
        let parts = parts
            .iter()
            .map(|(what, bytes)| format!("{what} {}", MemorySpec(*bytes)));
        let parts: Vec<String> = parts.collect();
        bail!(
            "{}: `compute.memory` is {most}, but up to {} are needed: {} are taken already, and {}; more memory would do, a smaller reference \
             set, fewer values of parameters or fewer resamples",
            trial.title(),
            MemorySpec::enough(all),
            MemorySpec(now),
            parts.join(", ")
        )
    }

    /// Images that fit beside the rest, at least one.
    pub(super) fn images(&self, most: MemorySpec, image: u64) -> usize {
        let left = most.0.saturating_sub(taken()).saturating_sub(self.bytes());
        usize::try_from(left / image.max(1))
            .unwrap_or(usize::MAX)
            .max(1)
    }
}

fn sizes(trial: &TrialPlan) -> BankSizes {
    let rows = |side: Option<&Side>| side.map(Side::len);
    BankSizes {
        query: rows(trial.query_bank.as_ref()),
        gallery: rows(trial.gallery_bank.as_ref()),
        evaluated: Some(trial.test.queries.len()),
    }
}

/// The sizes that the passes of a trial depend on.
struct Passes<'a> {
    methods: &'a [&'a Method],
    tasks: Vec<&'a TaskItems>,
    sizes: BankSizes,
    dim: usize,
}

impl Passes<'_> {
    /// One number of every item for most statistics, and the bank, or the gallery, in bytes while it is screened.
    fn statistics(&self) -> u64 {
        let plan = self.plan();
        let numbers = |task: &TaskItems| -> usize {
            let lengths = plan
                .iter()
                .map(|(_, stat)| stat.len(task.gallery.len(), self.dim));
            lengths.fold(0, usize::saturating_add)
        };
        let numbers: u64 = self.tasks.iter().map(|it| product(&[numbers(it), 8])).sum();
        numbers + product(&[self.reduced(), self.dim])
    }

    /// The most rows that a pass reduces: those of a bank, or of the gallery where it is compared with itself.
    fn reduced(&self) -> usize {
        match self.reads_gallery() {
            true => self.bank().max(self.largest().1),
            false => self.bank(),
        }
    }

    /// Whether the gallery's items are compared with one another.
    fn reads_gallery(&self) -> bool {
        let mut points = self.methods.iter().flat_map(|it| it.normalizers());
        points.any(|point| point.reads_gallery())
    }

    /// Whatever is taken for a moment, which small trials need less of.
    fn blocks(&self, points: usize, settings: usize, top: usize) -> u64 {
        let (queries, gallery) = self.largest();
        let scores = product(&[queries + self.reduced(), gallery, 16]);
        let lists = product(&[gallery, self.reduced().min(1024), 16]);
        let plan = self.plan();
        let of_histograms = plan
            .iter()
            .any(|(_, it)| matches!(it, Stat::LogMeanExp { .. }));
        let lists = lists.min(memory::REDUCING as u64);
        let reducing = match (plan.is_empty() && !self.reads_gallery(), of_histograms) {
            (true, _) => 0,
            (false, true) => lists + memory::histograms(gallery) as u64,
            (false, false) => lists,
        };
        let ranking = product(&[queries, 16 * points + settings * (16 + 24 * top)]);
        BLOCKS.min(scores) + reducing + ranking.min(memory::RANKING as u64) + self.scaling()
    }

    /// What Sinkhorn's rounds take: the items once more as the kernel reads them, for two banks also side by side, and the scores that
    /// are kept.
    fn scaling(&self) -> u64 {
        let plan = self.plan();
        let copies = plan.iter().filter_map(|(_, stat)| match stat {
            Stat::Potential { stacked, .. } => Some(1 + usize::from(*stacked)),
            _ => None,
        });
        let Some(copies) = copies.max() else { return 0 };
        let (_, gallery) = self.largest();
        let items = gallery + (copies - 1) * self.sizes.gallery.unwrap_or(0);
        let kept = memory::kept_scores(items, self.sizes.query.unwrap_or(0));
        product(&[copies, items, self.dim, 4]) + kept as u64
    }

    fn plan(&self) -> StatPlan {
        StatPlan::of(self.methods.iter().flat_map(|it| it.normalizers()))
    }

    fn bank(&self) -> usize {
        let sizes = [self.sizes.query, self.sizes.gallery, self.sizes.evaluated];
        sizes.into_iter().flatten().max().unwrap_or(0)
    }

    /// A bias of every item and a number of every query for each point, or the vectors of one that moves them.
    fn points(&self, points: usize) -> u64 {
        let (queries, gallery) = self.largest();
        let each = product(&[points, 4 * gallery + 8 * queries]);
        each.saturating_add(self.moved())
            .saturating_add(self.held(|_| 1, u64::max))
    }

    fn report(&self, settings: usize, top: usize) -> u64 {
        let (queries, gallery) = self.largest();
        let pairs = |it: &TaskItems| {
            (0..it.queries.len())
                .map(|query| it.relevance.of(query).len())
                .sum()
        };
        let ranks: Option<usize> = self.tasks.iter().map(|it| pairs(it)).max();
        let lists = product(&[queries, top.min(gallery), 4]) + product(&[ranks.unwrap_or(0), 16]);
        let each = product(&[gallery, 4]) + lists + product(&[queries, 24]);
        let held = self.held(Method::reported, u64::saturating_add);
        let all = each.saturating_mul(settings as u64);
        all.saturating_add(self.moved()).saturating_add(held)
    }

    /// Lists and vectors that corrections hold for the gallery's items: so many of each method's largest, together as `join` says.
    fn held(&self, count: impl Fn(&Method) -> usize, join: impl Fn(u64, u64) -> u64) -> u64 {
        let (_, gallery) = self.largest();
        let of = |method: &&Method| {
            let points = method.normalizers();
            let bytes = points.map(|point| point.held_bytes(gallery, self.dim));
            product(&[count(method), bytes.max().unwrap_or(0)])
        };
        self.methods.iter().map(of).fold(0, join)
    }

    /// Both sides once more, moved.
    fn moved(&self) -> u64 {
        let (queries, gallery) = self.largest();
        let moves = |it: &&Method| it.family.kind() == MethodKind::VectorMoving;
        let moving = self.methods.iter().filter(|it| moves(it)).count().min(1);
        product(&[moving, 2, queries + gallery, self.dim, 4])
    }

    fn largest(&self) -> (usize, usize) {
        let queries = self.tasks.iter().map(|it| it.queries.len()).max();
        let gallery = self.tasks.iter().map(|it| it.gallery.len()).max();
        (queries.unwrap_or(0), gallery.unwrap_or(0))
    }
}

fn product(factors: &[usize]) -> u64 {
    factors
        .iter()
        .fold(1, |all: u64, &it| all.saturating_mul(it as u64))
}
