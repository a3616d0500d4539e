"""What operators see: metrics now, charts and pages later. Renders; stores nothing."""
