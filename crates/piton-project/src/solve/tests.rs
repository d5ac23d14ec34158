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
    match solve(&needs_of(needs), &catalog, &BTreeMap::new(), &|| true) {
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
fn needs_beyond_all_measure_are_refused() {
    let needs = (0..=NEED_LIMIT).map(|at| Need::new(at.to_string(), VersionRange::any()));
    let needs: Vec<Need> = needs.collect();
    let refused = solve(&needs, &Catalog::default(), &BTreeMap::new(), &|| true);
    assert!(
        matches!(refused, Err(SolveError::TooManyNeeds)),
        "{refused:?}"
    );
    let refused = solve(
        &needs[..=PACKAGE_LIMIT],
        &Catalog::default(),
        &BTreeMap::new(),
        &|| true,
    );
    assert!(matches!(refused, Err(SolveError::TooMany)), "{refused:?}");
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
  dropdown 2.0 needs icons ^2"
    );
    assert_eq!(
        check("a >=3", "a 1:\na 2:"),
        "no versions of the packages fit together:
  your project needs a >=3
  there is no a >=3 (there are only 2 and 1)"
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
fn what_does_not_fit_is_told_without_what_does() {
    assert_eq!(
        check(
            "a; b; c >=1.5",
            "
            a 1: c <2; d
            a 2: c <2
            b 1: c >2,<2.5
            b 2: d; c >2,<2.5
            c 1:
            c 1.7:
            c 3:
            d 1:
            "
        ),
        "no versions of the packages fit together:
  your project needs b
  b needs c >2,<2.5
  there is no c >2,<2.5 (there are only 3, 1.7 and 1)"
    );
    assert_eq!(
        check("a >=1.5; b", "a 1:\na 3:\nb 1: a <3"),
        "no versions of the packages fit together:
  your project needs a >=1.5
  your project needs b
  b needs a <3
  there is no a that is in all of these ranges (there are only 3 and 1)"
    );
    assert_eq!(
        check("a >=2", "a 1:\na 3rc1:"),
        "no versions of the packages fit together:
  your project needs a >=2
  there is no a >=2 (there is only 1; 3rc1 comes before a release, and is chosen only where a range names such a version)"
    );
    let table: String = (1..=9).map(|version| format!("a {version}:\n")).collect();
    assert!(check("a 10", &table).contains("(there are only 9, 8, 7, 6, 5, 4 and 3 more)"));
}

#[test]
fn an_early_version_that_a_package_names_is_chosen_in_any_order() {
    for needs in ["a >=2; b", "b; a >=2"] {
        assert_eq!(check(needs, "a 1:\na 3rc1:\nb 1: a >=3rc1"), "a 3rc1; b 1");
    }
}

/// Fourteen packages in thirteen places, each of which holds one package: there is no solution, and every search is long.
fn pigeons() -> (Vec<Need>, Catalog) {
    let mut catalog = Catalog::default();
    for pigeon in 0..14 {
        for hole in 1..=13 {
            let place = Need::new(
                format!("hole{hole}"),
                format!("=={}", pigeon + 1).parse().unwrap(),
            );
            let version = hole.to_string().parse().unwrap();
            catalog.add_needs(&format!("pigeon{pigeon}"), &version, vec![place]);
        }
    }
    for hole in 1..=13 {
        for pigeon in 0..14 {
            let version = (pigeon + 1).to_string().parse().unwrap();
            catalog.add_needs(&format!("hole{hole}"), &version, Vec::new());
        }
    }
    let needs = (0..14).map(|pigeon| Need::new(format!("pigeon{pigeon}"), VersionRange::any()));
    (needs.collect(), catalog)
}

#[test]
fn a_search_without_end_is_given_up_and_ends_when_nobody_wants_it() {
    let (needs, catalog) = pigeons();
    let looks = std::cell::Cell::new(0);
    let go_on = || {
        looks.set(looks.get() + 1);
        looks.get() < 20
    };
    let error = solve(&needs, &catalog, &BTreeMap::new(), &go_on).unwrap_err();
    assert!(matches!(error, SolveError::Cancelled), "{error}");
    let preferred = BTreeMap::new();
    let order = Order::new(&needs, &catalog, &preferred);
    let model = Model::new(&needs, &order).unwrap();
    let outcome = model.solve(500, &|| true).unwrap();
    assert!(matches!(outcome, Outcome::TooHard), "{outcome:?}");
}

#[test]
fn an_index_of_many_packages_in_conflict_needs_few_contradictions() {
    // Each package has one version that fits with all others, below others that lead into a conflict.
    let mut numbers = Numbers(11);
    let count = 300;
    let fitting: Vec<u64> = (0..count).map(|_| 1 + numbers.below(8)).collect();
    let mut catalog = Catalog::default();
    for (package, fit) in fitting.iter().enumerate() {
        for version in 1..=8 {
            let needs = (0..numbers.below(6)).map(|_| {
                let other = numbers.below(count);
                let around = match version == *fit {
                    true => fitting[other as usize],
                    false => 1 + numbers.below(8),
                };
                let low = around - numbers.below(around);
                let high = around + 1 + numbers.below(3);
                let range = format!(">={low},<{high}").parse().unwrap();
                Need::new(format!("p{other}"), range)
            });
            let needs = needs.collect();
            let version = version.to_string().parse().unwrap();
            catalog.add_needs(&format!("p{package}"), &version, needs);
        }
    }
    let needs: Vec<Need> = (0..count)
        .step_by(10)
        .map(|package| Need::new(format!("p{package}"), VersionRange::any()))
        .collect();
    let looks = std::cell::Cell::new(0);
    let go_on = || {
        looks.set(looks.get() + 1);
        looks.get() < 500
    };
    let solution = solve(&needs, &catalog, &BTreeMap::new(), &go_on).unwrap();
    assert!(fits(&needs, &catalog, &solution));
    assert!(solution.len() > 100, "{}", solution.len());
}

#[test]
fn versions_that_are_of_no_use_are_named_ever_more_at_a_time() {
    let mut known = catalog("b 1:");
    let versions = (1..=40).map(|version: u32| version.to_string().parse().unwrap());
    known.add_versions("a", versions);
    let needs = needs_of("a; b");
    let mut rounds = 0;
    let error = loop {
        match solve(&needs, &known, &BTreeMap::new(), &|| true) {
            Err(SolveError::Missing(wanted)) => {
                rounds += 1;
                for wanted in wanted {
                    let Wanted::Needs(package, version) = wanted else {
                        panic!("all versions are known");
                    };
                    known.add_needs(&package, &version, needs_of("b >=2"));
                }
            }
            other => break other.unwrap_err(),
        }
    };
    assert_eq!(
        error.to_string(),
        "no versions of the packages fit together:
  your project needs a
  a needs b >=2
  there is no b >=2 (there is only 1)"
    );
    assert!(rounds <= 7, "{rounds}");
}

#[test]
fn a_version_that_cannot_be_used_is_passed_over_or_told() {
    let mut catalog = catalog("a 1:\nb 1: a >=2");
    let two = "2".parse().unwrap();
    catalog.add_unusable("a", &two, "its description is damaged".to_owned());
    let solution = solve(&needs_of("a"), &catalog, &BTreeMap::new(), &|| true).unwrap();
    assert_eq!(solution["a"].as_str(), "1");
    let error = solve(&needs_of("b"), &catalog, &BTreeMap::new(), &|| true).unwrap_err();
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
    let solution = solve(&needs_of("a; b >=2"), &catalog, &preferred, &|| true).unwrap();
    assert_eq!((solution["a"].as_str(), solution["b"].as_str()), ("1", "2"));
}

#[test]
fn what_is_missing_is_named_many_at_a_time() {
    let mut known = catalog("a 1: c; d\na 2: c; d");
    known.packages.retain(|name, _| name == "a");
    let Err(SolveError::Missing(wanted)) =
        solve(&needs_of("a; b"), &known, &BTreeMap::new(), &|| true)
    else {
        panic!("nothing is missing");
    };
    let names: Vec<&str> = wanted.iter().map(Wanted::package).collect();
    assert_eq!(names, ["b", "c", "d"]);
    known.add_versions("b", ["1".parse().unwrap(), "2".parse().unwrap()]);
    known.add_versions("c", []);
    known.add_versions("d", []);
    let Err(SolveError::Missing(wanted)) =
        solve(&needs_of("a; b"), &known, &BTreeMap::new(), &|| true)
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

/// Returns the number of chosen packages that the project needs, or another chosen one.
fn reached(needs: &[Need], catalog: &Catalog, chosen: &Solution) -> usize {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&Need> = needs.iter().collect();
    while let Some(need) = open.pop() {
        let version = &chosen[&need.package];
        let mut candidates = catalog.packages[&need.package].iter();
        let candidate = candidates.find(|one| one.version == *version).unwrap();
        match &candidate.needs {
            Known::Needs(needs) if seen.insert(&need.package) => open.extend(needs),
            _ => {}
        }
    }
    seen.len()
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
        match solve(&needs, &catalog, &BTreeMap::new(), &|| true) {
            Ok(solution) => {
                assert!(fits(&needs, &catalog, &solution), "round {round}");
                assert_eq!(reached(&needs, &catalog, &solution), solution.len());
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
        solve(&needs_of("p0"), &catalog, &BTreeMap::new(), &|| true)
    };
    assert_eq!(chain(3000).unwrap().len(), 3001);
    assert!(matches!(chain(10_000), Err(SolveError::TooMany)));
    let mut broken = Catalog::default();
    for at in 0..3000 {
        let next = Need::new(format!("p{}", at + 1), VersionRange::any());
        broken.add_needs(&format!("p{at}"), &"1".parse().unwrap(), vec![next]);
    }
    broken.add_versions("p3000", []);
    let error = solve(&needs_of("p0"), &broken, &BTreeMap::new(), &|| true).unwrap_err();
    assert!(error.to_string().contains("more facts"), "{error}");
}
