"""The sample company of `outgrown demo`: Ledgerly, its customers, and 26 weeks of what they did."""

from agent.facts.sample.stories import Story, read_stories
from agent.facts.sample.write import OPTED_OUT, PRIOR_PROMPTS, SAMPLE_DAY, SAMPLE_NOW, write_sample

__all__ = ["OPTED_OUT", "PRIOR_PROMPTS", "SAMPLE_DAY", "SAMPLE_NOW", "Story", "read_stories", "write_sample"]
