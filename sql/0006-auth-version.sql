-- Counts what ends a user's sign-ins: a changed password, roles, privileges, disabling.

ALTER TABLE `user`
    ADD COLUMN `authVersion` BIGINT UNSIGNED NOT NULL DEFAULT 0 AFTER `isDisabled`;
