"""Files of rows, as several job types read and write them: CSV, workbooks."""
