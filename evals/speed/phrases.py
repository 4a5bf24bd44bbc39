"""What the generated tickets say: many plain questions, and sentences the phrase classifier reads."""

from __future__ import annotations

PLAIN = (
    "How do I change the colour of a chart?",
    "Where do I find last month's report?",
    "The print button does nothing.",
    "Thanks for the quick help yesterday.",
    "Can I rename a folder after sharing it?",
    "Our new colleague did not receive the welcome mail.",
    "The page takes a while to load in the morning.",
    "Which time zone do the reports use?",
    "I would like to update our billing address.",
    "Please send the invoice to our accounting address as well.",
    "The preview shows an empty page for one document.",
    "How many people can see a shared folder?",
    "Is there a keyboard shortcut for search?",
    "A comment disappeared after I edited it.",
    "We are happy with the new editor.",
    "The export has a wrong date format in column three.",
)
SPECIAL = (
    "Do you support SSO?",
    "Is there a way to get an audit log of who changed what?",
    "Can we get custom roles for our contractors?",
    "Any plans for API access?",
    "We export to CSV and then build the reports in Excel.",
    "We manually merge the two reports every Friday.",
    "Could you build us a connector to our warehouse system?",
    "Please migrate our old documents for us.",
    "Can you train our team on site?",
    "Our deadline is {day}.",
    "We launch on {day} and need this working.",
    "Can you prioritise our ticket?",
    "Do you offer a faster turnaround?",
    "We have budget for this quarter.",
    "Send me a quote for 20 more seats.",
    "The budget was approved yesterday.",
    "We would like a dashboard for our board.",
)
UNHAPPY = (
    "We want to cancel our subscription.",
    "Your enterprise tier is too expensive.",
    "We are looking for alternatives.",
)
"""{day} stands for a day that lies, or for one ticket in five lay, some weeks from the ticket's own."""
