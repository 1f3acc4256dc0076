//! The grid of the NNN paper, appendix A, in two stages, to six digits.

/// 20 values evenly spaced in their logarithm from 0.001 to 400.
const LOG: [f64; 20] = [
    0.001, 0.00197172, 0.00388768, 0.00766542, 0.0151141, 0.0298007, 0.0587586, 0.115856, 0.228435,
    0.450409, 0.888081, 1.75105, 3.45258, 6.80751, 13.4225, 26.4654, 52.1824, 102.889, 202.869,
    400.0,
];

/// 0, then 20 values evenly from 0.001 to 15; the first of these is in the first stage too.
const DENSE1: [f64; 21] = [
    0.0, 0.001, 0.790421, 1.57984, 2.36926, 3.15868, 3.94811, 4.73753, 5.52695, 6.31637, 7.10579,
    7.89521, 8.68463, 9.47405, 10.2635, 11.0529, 11.8423, 12.6317, 13.4212, 14.2106, 15.0,
];

/// 20 values evenly from 25 to 200.
const DENSE2: [f64; 20] = [
    25.0, 34.2105, 43.4211, 52.6316, 61.8421, 71.0526, 80.2632, 89.4737, 98.6842, 107.895, 117.105,
    126.316, 135.526, 144.737, 153.947, 163.158, 172.368, 181.579, 190.789, 200.0,
];

/// Every value of `beta1`, each once.
pub(crate) const BETA1: [f64; 40] = {
    let mut all = [0.0; 40];
    let mut i = 0;
    while i < 20 {
        all[i] = LOG[i];
        // The 0, and all but the 0.001 that `LOG` has.
        all[20 + i] = DENSE1[if i == 0 { 0 } else { i + 1 }];
        i += 1;
    }
    all
};

/// Every value of `beta2`.
pub(crate) const BETA2: [f64; 40] = {
    let mut all = [0.0; 40];
    let mut i = 0;
    while i < 20 {
        (all[i], all[20 + i]) = (LOG[i], DENSE2[i]);
        i += 1;
    }
    all
};

/// All pairs `[beta1, beta2]` of the first stage, then of the second, `beta1` slowest; no pair is in both.
pub(crate) fn pairs() -> impl Iterator<Item = [f64; 2]> {
    let stage = |first: &'static [f64], second: &'static [f64]| {
        first
            .iter()
            .flat_map(move |&beta1| second.iter().map(move |&beta2| [beta1, beta2]))
    };
    stage(&LOG, &LOG).chain(stage(&DENSE1, &DENSE2))
}
