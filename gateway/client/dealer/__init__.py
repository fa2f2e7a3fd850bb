"""A dealer's sheet becomes signed reports: nothing is filed twice, and nothing by halves."""
