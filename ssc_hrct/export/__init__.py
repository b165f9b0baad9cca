"""Out of the house: rows to CSV and its schema, label maps to pictures. Makes no number."""

from ssc_hrct.export.csv_file import COMPARISONS, SCORES, Table, check_writable, csv_text, merge_rows, read_rows

__all__ = ["COMPARISONS", "SCORES", "Table", "check_writable", "csv_text", "merge_rows", "read_rows"]
