"""Prints the scores of a run on a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treadle.cli.terminal import print_result

if TYPE_CHECKING:
    from treadle.report.table_scores import TableScores


def print_scores(scores: TableScores) -> None:
    """Print the scores on the test rows, and what predicting the same for each row would score."""
    evaluation = scores.classes
    if evaluation is not None:
        low, high = evaluation.accuracy_interval
        print_result(f"test accuracy  {evaluation.accuracy:.2%}  (95 % interval {low:.2%} to {high:.2%})")
        print_result(f"test loss      {evaluation.loss:.4f}")
        if scores.roc_auc is not None:
            print_result(f"ROC AUC        {scores.roc_auc:.4f}")
        print_result(f"majority       {scores.majority:.2%}  (accuracy of the most frequent class for all)")
    for numbers, deviation in zip(scores.numbers, scores.mean_rmse, strict=True):
        name = f"  ({numbers.name})" if len(scores.numbers) > 1 else ""
        print_result(f"test RMSE      {numbers.rmse:.6g}{name}")
        print_result(f"test MAE       {numbers.mae:.6g}")
        print_result(f"test R2        {numbers.r2:.4f}")
        print_result(f"mean           {deviation:.6g}  (RMSE of their own mean for all rows)")
