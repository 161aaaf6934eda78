"""Making questions and answers: by rules, by a teacher, by paraphrase."""
