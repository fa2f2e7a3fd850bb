"""Sheets as people keep them, read in bounded memory: XLSX and CSV, every defect by its cell."""
