"""Two scores: comparable? changed? Pure; makes no score and reads no file."""

from ssc_hrct.compare.gate import compare_scores, volume_change_percent
from ssc_hrct.compare.visits import followup_visit

__all__ = ["compare_scores", "followup_visit", "volume_change_percent"]
