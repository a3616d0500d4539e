"""What operators see: metrics and pages. Renders; stores nothing."""
