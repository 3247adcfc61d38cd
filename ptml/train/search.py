"""Searching for an estimator's parameters within the rows that a fit may see.

What is judged is always the rest of these very rows, by whole groups: rows that an evaluation holds out have
no say, since each of its folds searches anew.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeAlias

from ptml.errors import MissingTool
from ptml.train.spec import Span

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ptml.train.spec import Choice, Parameter, Search

Judge: TypeAlias = "Callable[[dict[str, Parameter]], float]"


def search_params(search: Search, judge: Judge, seed: int) -> dict[str, Parameter]:
    """Find the parameters that are judged best.

    A tree-structured Parzen estimator draws each trial from what did well before (optuna's default). Of
    equals, the first wins.

    Args:
        search: What to vary, and how often.
        judge: How good parameters are; more is better.
        seed: Seed of the draws.

    Raises:
        MissingTool: The extra `search` is not installed.

    >>> from ptml.train.spec import Search
    >>> search = Search.model_validate({"trials": 15, "params": {"depth": {"low": 1, "high": 4}}})
    >>> search_params(search, lambda params: -abs(params["depth"] - 3), seed=0)
    {'depth': 3}
    """
    optuna = _optuna()
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(lambda trial: judge(_draw(trial, search)), n_trials=search.trials)
    best: dict[str, Parameter] = study.best_trial.user_attrs[_PARAMS]
    return best


_PARAMS = "params"


def _draw(trial: Any, search: Search) -> dict[str, Parameter]:  # noqa: ANN401 - a trial of optuna
    params = {name: _draw_one(trial, name, span) for name, span in sorted(search.params.items())}
    trial.set_user_attr(_PARAMS, params)
    return params


def _draw_one(trial: Any, name: str, span: Span | Choice) -> Parameter:  # noqa: ANN401 - a trial of optuna
    if not isinstance(span, Span):
        chosen: Parameter = span.choices[trial.suggest_categorical(name, range(len(span.choices)))]
        return chosen
    whole = isinstance(span.low, int) and isinstance(span.high, int)
    suggest = trial.suggest_int if whole else trial.suggest_float
    number: float = suggest(name, span.low, span.high, log=span.log)
    return number


def _optuna() -> ModuleType:
    try:
        optuna = importlib.import_module("optuna")
    except ImportError as error:
        raise MissingTool(
            "a spec with [search] needs optuna, which is not installed", hint='pip install "ptml[search]"'
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
