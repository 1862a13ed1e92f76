"""The documentation as a site: pages of docs/, pages made of the program itself, and how they are put together."""
