"""VEX: what is stated about vulnerabilities of products, read and written without a database."""
