"""fimiscope flags narratives of Russian and Chinese information operations in Africa, with the evidence."""
