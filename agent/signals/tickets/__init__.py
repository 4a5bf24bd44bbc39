"""What a ticket asks for: the classifier's port, and its engine by phrase rules."""
