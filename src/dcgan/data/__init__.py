"""Files become batches: a folder, an archive or a name goes in; one packed array of equal images comes out."""
