//! "Did you mean": the known name that a mistyped one is nearest to.

/// The name of `names` that `typed` most likely stands for, if any is near enough.
///
/// Near is a third of the letters wrong, or swapped, and at least one.
pub(crate) fn nearest<N: AsRef<str>>(
    typed: &str,
    names: impl IntoIterator<Item = N>,
) -> Option<String> {
    let letters = typed.chars().count();
    let limit = (letters / 3).max(1);
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(typed, name.as_ref()), name))
        .filter(|(distance, name)| {
            (1..=limit).contains(distance) && *distance < name.as_ref().chars().count()
        })
        // The first of several that are equally near.
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.as_ref().to_owned())
}

/// The hint for a person who typed something else.
pub(crate) fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        let names = ["main.py", "boot.py", "lib", "a"];
        for (typed, name) in [
            ("mian.py", Some("main.py")),
            ("main.yp", Some("main.py")),
            ("main", None),
            ("Lib", Some("lib")),
            ("lb", Some("lib")),
            ("b", None),
            ("something.else", None),
            ("lib", None),
        ] {
            assert_eq!(nearest(typed, names).as_deref(), name, "{typed}");
        }
    }
}
