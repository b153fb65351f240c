"""What people look at: figures, tables, pages and reports."""
