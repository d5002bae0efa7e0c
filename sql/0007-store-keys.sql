-- What tells rows of the store apart is their id alone: to a unique key, names that differ
-- in blanks at their end would be one.

ALTER TABLE `func_store`
    DROP KEY `SCOPE_KEY`,
    ADD KEY `SCOPE_KEY` (`scope`, `key`);
