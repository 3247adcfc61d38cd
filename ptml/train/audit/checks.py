"""The checks in their order, with what a reader must know of each.

docs/audit.md tells where the bounds are from.
"""

from __future__ import annotations

from ptml.train.audit import amounts, drift, duplicates, origins, shortcuts
from ptml.train.audit.check import Check

CHECKS = (
    Check(
        "exact-duplicates",
        "Duplicates: the same rows in several captures",
        duplicates.exact_duplicates,
        "amber from 1 % of the rows, red from 10 %",
        "A row that was learned from is no test: a model that remembers it looks better than it is.",
        "Look at the pairs of captures below: if they show the same traffic, keep one of them, or put "
        "both into one group.",
    ),
    Check(
        "near-duplicates",
        "Near duplicates: nearly the same rows in several captures",
        duplicates.near_duplicates,
        "amber from 10 % of the rows, red from 50 %",
        "Rows that differ by less than a fifth in every feature are nearly as easy to remember as equal "
        "ones. Some of this is the nature of networks: many DNS lookups look alike.",
        "Look at the pairs below: captures of one run of one sample belong into one group.",
    ),
    Check(
        "label-conflicts",
        "Label conflicts: equal rows with different labels",
        duplicates.label_conflicts,
        "amber from 1 % of the rows, red from 10 %",
        "Of two equal rows with different labels one is always judged wrong. Where a capture's label is "
        "handed to all its connections, ordinary background of malicious captures is what conflicts.",
        "Label connections by indicators or with --set labels.policy=inherit-filtered, or judge captures "
        "as a whole.",
    ),
    Check(
        "single-feature",
        "One feature that tells the classes apart",
        shortcuts.single_feature,
        "by the lower end of the interval: amber from ROC-AUC 0.95, red from 0.99",
        "Malice rarely shows in one number. A feature that nearly decides alone tends to tell how "
        "captures were made: a lab's link speed, a sandbox's time limit, how long was recorded.",
        "Ask whether the feature would decide as well in your network. If not, leave it out with the "
        "spec's exclude_features.",
    ),
    Check(
        "constant-in-class",
        "Features that stand still in one class",
        shortcuts.constant_in_class,
        "amber from one feature that differs in 10 % of the other class, red where one differs in all of it",
        "A class that never shows some value was collected too narrowly, or a log is missing in it: any "
        "other value then gives the label away.",
        "See whether that class's captures lack a log (`ptml catalog`), and add captures that vary.",
    ),
    Check(
        "ports-alone",
        "What ports alone give away",
        shortcuts.alone("ports", shortcuts.PORTS),
        "by the lower end of the interval: amber from ROC-AUC 0.8, red from 0.95; amber, too, where ports "
        "give nine tenths of what all features do",
        "Ports are chosen by whoever set the service up. A model that lives on them finds no attack on a "
        "usual port, and flags harmless services on odd ones.",
        "Add benign captures that use the same ports, or leave these features out and compare.",
    ),
    Check(
        "protocols-alone",
        "What protocols alone give away",
        shortcuts.alone("protocols", shortcuts.PROTOCOLS),
        "by the lower end of the interval: amber from ROC-AUC 0.8, red from 0.95; amber, too, where "
        "protocols give nine tenths of what all features do",
        "If attacks are of one protocol and benign traffic of another, what was learned is the protocol.",
        "Add benign captures of the attacks' protocols, and attacks over common ones.",
    ),
    Check(
        "places-alone",
        "What kinds of addresses alone give away",
        shortcuts.alone("kinds of addresses", shortcuts.PLACES),
        "by the lower end of the interval: amber from ROC-AUC 0.8, red from 0.95; amber, too, where they "
        "give nine tenths of what all features do",
        "Whether addresses are private, and which way connections go, says where the sensor stood. That "
        "is the lab's layout, not malice.",
        "Add captures of the other class from like places, or leave these features out and compare.",
    ),
    Check(
        "source-tells-label",
        "What the source alone gives away",
        origins.source_tells_label,
        "by the lower end of the interval: amber from ROC-AUC 0.75, red from 0.95",
        "Where each source is mostly of one class, telling sources apart is enough to look good, and "
        "useless on any new network.",
        "Add benign captures from the sources of malicious ones and the other way round; believe only "
        "figures of sources held out.",
    ),
    Check(
        "one-class-sources",
        "Sources of one class",
        origins.one_class_sources,
        "amber from 25 % of the captures, red from 75 %; amber where there is one source only",
        "Within such a source nothing shows that a model tells malicious from benign.",
        "Look for captures of the other class from the same sources; read figures a source at a time.",
    ),
    Check(
        "source-in-features",
        "How well features show the source",
        origins.source_in_features,
        "amber where a forest gets a tenth of the way from guessing to certainty (lower end); red from a "
        "quarter, if the source also tells the label with ROC-AUC 0.9 (lower end)",
        "Features that show who recorded a capture will differ on a new network. If the source also tells "
        "the label, they are the shortcut.",
        "Expect a fall when a source is held out. Features as ranks within the capture, or fewer "
        "features, may travel better.",
    ),
    Check(
        "time-tells-label",
        "What the time alone gives away",
        origins.time_tells_label,
        "by the lower end of the interval: amber from ROC-AUC 0.75, red from 0.95",
        "If benign captures are older than malicious ones, what changed over the years (TLS versions, "
        "hosts, software) separates them.",
        "Add captures of both classes from the same periods, or choose a period that has both.",
    ),
    Check(
        "host-tells-label",
        "Host overlap: the same hosts in several captures",
        origins.host_tells_label,
        "amber where a tenth of the rows are of such hosts and their addresses give ROC-AUC 0.75 (lower "
        "end); red where half are, and 0.95",
        "A host in training and in test is recognised by its habits. Addresses found in captures of one "
        "class only are those of a lab.",
        "Put captures of one machine into one group, and add captures of other machines.",
    ),
    Check(
        "class-balance",
        "Class balance: how rare the rarer class is",
        amounts.class_balance,
        "amber below 10 % of the captures, red below 2 %",
        "With few captures of a class each one decides. On real networks malicious traffic is far rarer "
        "than in most datasets, so that precision there is far lower than here.",
        "Add captures of the rarer class; read precision at the base rate that you expect.",
    ),
    Check(
        "family-balance",
        "Family balance: how far one family dominates",
        amounts.family_balance,
        "amber from 50 % of the malicious captures, red from 90 %",
        "Figures are those of the largest family, and a family of a single capture is either known or "
        "new, never both.",
        "Read recall family by family; add captures of others.",
    ),
    Check(
        "fold-spread",
        "How far folds differ",
        drift.fold_spread,
        "amber where a quarter of the features have a stability index above 0.25, red from three quarters",
        "If held-out captures look unlike the others, the folds' figures swing: there are too few "
        "captures, or they have too little in common.",
        "Trust intervals more than figures; add captures.",
    ),
    Check(
        "time-drift",
        "Drift: how far later captures differ from earlier ones",
        drift.time_drift,
        "amber where 10 % of the features change (stability index above 0.25, and above what chance gives "
        "once in a hundred), red from 50 %",
        "What is learned from old captures ages. A split that ignores time does not show it.",
        "Evaluate by time (train earlier, test later), and train anew from time to time.",
    ),
    Check(
        "few-captures",
        "How many captures there are",
        amounts.few_captures,
        "amber below 30 captures of a class, red below 10",
        "Rows of one capture are no independent evidence; captures are. Few of them leave wide intervals.",
        "Add captures, not connections. Until then quote the interval.",
    ),
    Check(
        "floods",
        "How far large captures dominate",
        amounts.floods,
        "amber from 25 % of the rows in one capture, red from 75 %",
        "Figures that count every row the same are those of the largest captures. ptml weighs captures "
        "the same while it learns; a measure row by row does not.",
        "Read the figures by capture, or lower the spec's max_connections_per_capture.",
    ),
    Check(
        "simulated",
        "Simulated captures",
        origins.simulated,
        "amber where all are simulated, or some; red where that also nearly tells the class",
        "Simulated traffic is far simpler than real traffic. Figures on it show that the machinery works, "
        "and nothing about real networks; mixed with real captures it is a source that any model "
        "recognises.",
        "Use simulated captures for trying things out. Train and evaluate on real ones.",
    ),
)
