"""From features and labels to a model: dataset, splits, estimators, calibration, threshold."""
