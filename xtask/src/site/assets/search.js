// The search of the site: works from files, without a server. `pitonIndex` has the sections of all pages.
"use strict";
(function (scope) {
    // Words of a question that say nothing about what is looked for.
    const EMPTY = new Set(("a an the to how do does i my me on in of with for and or is are can what when where which it its "
        + "this that at by from into be piton micropython").split(" "));
    // What a word in each place is worth.
    const WORTH = { title: 8, keywords: 8, heading: 5, text: 1 };

    // Returns the words of a text, each without the ends that only grammar needs.
    function words(text) {
        const found = text.toLowerCase().match(/[a-z0-9_]+(?:[.-][a-z0-9_]+)*/g) || [];
        const parts = found.flatMap(function (word) {
            return /[.-]/.test(word) ? [word].concat(word.split(/[.-]/)) : [word];
        });
        return parts.filter(function (word) { return word && !EMPTY.has(word); }).map(stem);
    }

    function stem(word) {
        if (word.length < 4) {
            return word;
        }
        return word.replace(/(?:ing|ed|es|s|e)$/, "") || word;
    }

    // Returns for each word the sections that have it, with its weight there.
    function prepare(index) {
        const places = new Map();
        index.forEach(function (section, number) {
            const weights = new Map();
            for (const field of Object.keys(WORTH)) {
                const counts = new Map();
                for (const word of words(section[field])) {
                    counts.set(word, (counts.get(word) || 0) + 1);
                }
                counts.forEach(function (count, word) {
                    const weight = WORTH[field] * count / (count + 1);
                    weights.set(word, (weights.get(word) || 0) + weight);
                });
            }
            weights.forEach(function (weight, word) {
                if (!places.has(word)) {
                    places.set(word, new Map());
                }
                places.get(word).set(number, weight);
            });
        });
        return { index: index, places: places };
    }

    // Returns the sections for a question, the best first: one for each page, at most `limit`.
    function find(prepared, question, limit) {
        const asked = Array.from(new Set(words(question)));
        const total = prepared.index.length;
        const scores = new Map();
        const hits = new Map();
        for (const word of asked) {
            // A word that is still being typed stands for all that begin with it.
            const best = new Map();
            prepared.places.forEach(function (sections, known) {
                if (known !== word && (word.length < 3 || !known.startsWith(word))) {
                    return;
                }
                const rarity = Math.log(1 + total / sections.size) * (known === word ? 1 : 0.5);
                sections.forEach(function (weight, number) {
                    best.set(number, Math.max(best.get(number) || 0, rarity * weight));
                });
            });
            best.forEach(function (score, number) {
                scores.set(number, (scores.get(number) || 0) + score);
                hits.set(number, (hits.get(number) || 0) + 1);
            });
        }
        const ranked = Array.from(scores.keys());
        const worth = function (number) {
            const share = hits.get(number) / asked.length;
            return scores.get(number) * share * share;
        };
        ranked.sort(function (a, b) { return worth(b) - worth(a) || a - b; });
        const pages = new Set();
        const found = [];
        for (const number of ranked) {
            const section = prepared.index[number];
            if (!pages.has(section.title) && found.length < limit) {
                pages.add(section.title);
                found.push(section);
            }
        }
        return found;
    }

    scope.pitonSearch = { prepare: prepare, find: find };
    if (typeof document === "undefined") {
        return;
    }

    const field = document.getElementById("query");
    const list = document.getElementById("results");
    const up = document.body.dataset.up;
    let prepared = null;

    function show() {
        list.replaceChildren();
        if (!field.value.trim()) {
            list.hidden = true;
            return;
        }
        prepared = prepared || prepare(scope.pitonIndex);
        const found = find(prepared, field.value, 8);
        for (const section of found) {
            const item = document.createElement("li");
            const link = document.createElement("a");
            link.href = up + section.address;
            const title = document.createElement("b");
            title.textContent = section.title;
            link.append(title);
            if (section.heading) {
                link.append(" - " + section.heading);
            }
            const text = document.createElement("small");
            text.textContent = section.text.slice(0, 120);
            link.append(text);
            item.append(link);
            list.append(item);
        }
        if (!found.length) {
            const item = document.createElement("li");
            item.textContent = "Nothing found";
            list.append(item);
        }
        list.hidden = false;
    }

    field.addEventListener("input", show);
    field.addEventListener("focus", show);
    document.getElementById("search").addEventListener("submit", function (event) {
        event.preventDefault();
        const first = list.querySelector("a");
        if (first) {
            location.href = first.href;
        }
    });
    document.addEventListener("click", function (event) {
        if (!event.target.closest("#search")) {
            list.hidden = true;
        }
    });
    document.addEventListener("keydown", function (event) {
        if (event.key === "Escape") {
            list.hidden = true;
            field.blur();
        } else if (event.key === "/" && !event.target.closest("input")) {
            event.preventDefault();
            field.focus();
        }
    });
})(globalThis);
