"""A search with Optuna over architecture, its parameters, and training, with scikit-learn's cross-validation inside.

Run it with ``python examples/optuna_search.py``; it needs ``pip install optuna``, and no download. scikit-learn's own
searches work as well (``pipeline_and_grid_search.py``); Optuna learns from the trials so far where to look next, and a
branch can have parameters of its own.
"""

from __future__ import annotations

import optuna
from sklearn.model_selection import StratifiedKFold, cross_val_score

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import make_shapes_in_noise


def suggest(trial: optuna.Trial) -> SeqCNNClassifier:
    """Return the estimator that a trial stands for."""
    encoder = trial.suggest_categorical("encoder", ["minirocket", "fcn", "lenet"])
    if encoder == "minirocket":  # solved in closed form: no learning rate, no epochs
        n_features = trial.suggest_int("n_features", 420, 4200, log=True)
        return SeqCNNClassifier("minirocket", encoder__n_features=n_features, random_state=0)
    settings = {"learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True)}
    if encoder == "fcn":
        settings["encoder__width"] = trial.suggest_categorical("width", [8, 16, 32])
    return SeqCNNClassifier(encoder, max_epochs=10, random_state=0, **settings)


def main() -> None:
    X, y = make_shapes_in_noise(150, noise=0.3, random_state=0)
    X_test, y_test = make_shapes_in_noise(200, noise=0.3, random_state=1)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)

    def objective(trial: optuna.Trial) -> float:
        return float(cross_val_score(suggest(trial), X, y, cv=folds).mean())

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=10)
    print("trials, the best first:")
    for trial in sorted(study.trials, key=lambda trial: -(trial.value or 0)):
        settings = ", ".join(
            f"{name}={value:.2g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in trial.params.items()
        )
        print(f"  {trial.value:.3f}  {settings}")

    # Chosen on the folds of the training set; the test set is scored once.
    best = suggest(study.best_trial).fit(X, y)
    print(f"the best on new series: accuracy {best.score(X_test, y_test):.3f}")


if __name__ == "__main__":
    main()
