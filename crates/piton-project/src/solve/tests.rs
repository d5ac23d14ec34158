use super::*;

/// Packages as a table: a package, a version, what it needs.
fn catalog(table: &str) -> Catalog {
    let mut catalog = Catalog::default();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (package, needs) = line.split_once(':').unwrap();
        let (name, version) = package.trim().split_once(' ').unwrap();
        catalog.add_needs(name, &version.parse().unwrap(), needs_of(needs));
    }
    for need in table
        .lines()
        .flat_map(|line| needs_of(line.split_once(':').map_or("", |line| line.1)))
    {
        catalog.add_versions(&need.package, []);
    }
    catalog
}

fn needs_of(text: &str) -> Vec<Need> {
    let needs = text
        .split(';')
        .map(str::trim)
        .filter(|text| !text.is_empty());
    needs
        .map(|need| {
            let (name, range) = need.split_once(' ').unwrap_or((need, "*"));
            Need::new(name, range.parse().unwrap())
        })
        .collect()
}

fn check(needs: &str, table: &str) -> String {
    let mut catalog = catalog(table);
    for need in needs_of(needs) {
        catalog.add_versions(&need.package, []);
    }
    match solve(&needs_of(needs), &catalog, &BTreeMap::new()) {
        Ok(solution) => {
            let solution = solution
                .iter()
                .map(|(name, version)| format!("{name} {version}"));
            solution.collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_highest_versions_that_fit_are_chosen() {
    assert_eq!(
        check(
            "menu; icons <2",
            "
            menu 1.0: dropdown >=1
            menu 1.1: dropdown >=2
            dropdown 1.8:
            dropdown 2.0: icons ^2
            dropdown 2.1rc1:
            icons 1.0:
            icons 2.0:
            "
        ),
        "dropdown 1.8; icons 1.0; menu 1.0"
    );
    assert_eq!(
        check("a; b", "a 1: b\nb 1: a"),
        "a 1; b 1",
        "a ring of packages is fine"
    );
    assert_eq!(
        check("a", "a 1rc1:\na 1rc2:"),
        "a 1rc2",
        "nothing but early ones"
    );
    assert_eq!(
        check("a >=1rc1", "a 1rc1:\na 0.9:"),
        "a 1rc1",
        "an early one is named"
    );
    assert_eq!(check("a >=1; a <2", "a 1:\na 2:"), "a 1");
}

#[test]
fn what_does_not_fit_is_told_from_the_project_on() {
    assert_eq!(
        check(
            "menu; icons <2",
            "
            menu 1.1: dropdown >=2
            dropdown 1.8:
            dropdown 2.0: icons ^2
            icons 1.0:
            icons 2.0:
            "
        ),
        "no versions of the packages fit together:
  your project needs menu
  your project needs icons <2
  menu needs dropdown >=2
  dropdown 2.0 needs icons >=2,<3"
    );
    assert_eq!(
        check("a >=3", "a 1:\na 2:"),
        "no versions of the packages fit together:
  your project needs a >=3
  there is no a >=3 (there is 2, 1)"
    );
    assert_eq!(
        check("a", "a 1: nothing"),
        "no versions of the packages fit together:
  your project needs a
  a needs nothing
  there is no package nothing"
    );
}

#[test]
fn a_version_that_cannot_be_used_is_passed_over_or_told() {
    let mut catalog = catalog("a 1:\nb 1: a >=2");
    let two = "2".parse().unwrap();
    catalog.add_unusable("a", &two, "its description is damaged".to_owned());
    let solution = solve(&needs_of("a"), &catalog, &BTreeMap::new()).unwrap();
    assert_eq!(solution["a"].as_str(), "1");
    let error = solve(&needs_of("b"), &catalog, &BTreeMap::new()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a 2 cannot be used: its description is damaged"),
        "{error}"
    );
}

#[test]
fn preferred_versions_stay_while_they_fit() {
    let catalog = catalog("a 1: b\na 2: b\nb 1:\nb 2:");
    let preferred = BTreeMap::from([
        ("a".to_owned(), "1".parse().unwrap()),
        ("b".to_owned(), "1".parse().unwrap()),
    ]);
    let solution = solve(&needs_of("a; b >=2"), &catalog, &preferred).unwrap();
    assert_eq!((solution["a"].as_str(), solution["b"].as_str()), ("1", "2"));
}

#[test]
fn what_is_missing_is_named_many_at_a_time() {
    let mut known = catalog("a 1: c; d\na 2: c; d");
    known.packages.retain(|name, _| name == "a");
    let Err(SolveError::Missing(wanted)) = solve(&needs_of("a; b"), &known, &BTreeMap::new())
    else {
        panic!("nothing is missing");
    };
    let names: Vec<&str> = wanted.iter().map(Wanted::package).collect();
    assert_eq!(names, ["b", "c", "d"]);
    known.add_versions("b", ["1".parse().unwrap(), "2".parse().unwrap()]);
    known.add_versions("c", []);
    known.add_versions("d", []);
    let Err(SolveError::Missing(wanted)) = solve(&needs_of("a; b"), &known, &BTreeMap::new())
    else {
        panic!("nothing is missing");
    };
    assert_eq!(
        wanted,
        [Wanted::Needs("b".to_owned(), "2".parse().unwrap())]
    );
}

/// A generator of numbers, the same in every run: xorshift64*.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    fn index(&mut self, packages: u64, versions: u64, needs: u64) -> Catalog {
        let mut catalog = Catalog::default();
        for package in 0..packages {
            for version in 1..=versions {
                let needs = (0..self.below(needs + 1)).map(|_| self.need(packages, versions));
                let needs = needs.collect();
                let name = format!("p{package}");
                catalog.add_needs(&name, &version.to_string().parse().unwrap(), needs);
            }
        }
        catalog
    }

    fn need(&mut self, packages: u64, versions: u64) -> Need {
        let version = 1 + self.below(versions);
        let range = match self.below(5) {
            0 => "*".to_owned(),
            1 => format!(">={version}"),
            2 => format!("<={version}"),
            3 => format!("=={version}"),
            _ => format!("!={version}"),
        };
        Need::new(format!("p{}", self.below(packages)), range.parse().unwrap())
    }
}

fn fits(needs: &[Need], catalog: &Catalog, chosen: &Solution) -> bool {
    let has = |need: &Need| {
        chosen
            .get(&need.package)
            .is_some_and(|version| need.range.contains(version))
    };
    needs.iter().all(has)
        && chosen.iter().all(|(name, version)| {
            let candidate = catalog.packages[name]
                .iter()
                .find(|one| one.version == *version);
            match &candidate.unwrap().needs {
                Known::Needs(needs) => needs.iter().all(has),
                _ => panic!("the index is whole"),
            }
        })
}

/// Whether any choice fits, by trying all of them.
fn any_fits(needs: &[Need], catalog: &Catalog) -> bool {
    let names: Vec<&String> = catalog.packages.keys().collect();
    let counts: Vec<usize> = names
        .iter()
        .map(|name| catalog.packages[*name].len() + 1)
        .collect();
    let all: usize = counts.iter().product();
    (0..all).any(|mut number| {
        let mut chosen = Solution::new();
        for (name, count) in names.iter().zip(&counts) {
            if let Some(candidate) = catalog.packages[*name].get(number % count) {
                chosen.insert((*name).clone(), candidate.version.clone());
            }
            number /= count;
        }
        fits(needs, catalog, &chosen)
    })
}

#[test]
fn small_indexes_have_a_solution_exactly_where_trying_everything_finds_one() {
    let mut numbers = Numbers(0x5eed);
    let mut solved = 0;
    for round in 0..400 {
        let catalog = numbers.index(5, 3, 3);
        let needs: Vec<Need> = (0..2).map(|_| numbers.need(5, 3)).collect();
        match solve(&needs, &catalog, &BTreeMap::new()) {
            Ok(solution) => {
                assert!(fits(&needs, &catalog, &solution), "round {round}");
                solved += 1;
            }
            Err(error) => {
                assert!(
                    matches!(error, SolveError::NoSolution { .. }),
                    "round {round}: {error}"
                );
                assert!(!any_fits(&needs, &catalog), "round {round}: {error}");
            }
        }
    }
    assert!(
        (50..350).contains(&solved),
        "{solved}: both cases are there"
    );
}

#[test]
fn a_chain_is_solved_and_a_chain_that_is_too_long_is_refused() {
    let chain = |length: usize| {
        let mut catalog = Catalog::default();
        for at in 0..length {
            let next = Need::new(format!("p{}", at + 1), VersionRange::any());
            catalog.add_needs(&format!("p{at}"), &"1".parse().unwrap(), vec![next]);
        }
        catalog.add_needs(&format!("p{length}"), &"1".parse().unwrap(), Vec::new());
        solve(&needs_of("p0"), &catalog, &BTreeMap::new())
    };
    assert_eq!(chain(3000).unwrap().len(), 3001);
    assert!(matches!(chain(10_000), Err(SolveError::TooMany)));
    let mut broken = Catalog::default();
    for at in 0..3000 {
        let next = Need::new(format!("p{}", at + 1), VersionRange::any());
        broken.add_needs(&format!("p{at}"), &"1".parse().unwrap(), vec![next]);
    }
    broken.add_versions("p3000", []);
    let error = solve(&needs_of("p0"), &broken, &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("facts more"), "{error}");
}
