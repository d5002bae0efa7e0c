-- What was changed here and is not known to be in Redis yet. A change and its mark are one
-- transaction; who has told Redis removes the mark. Those that stay, since their process
-- died, are made good by an api process.

CREATE TABLE IF NOT EXISTS `unsynced` (
    `seq`        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `kind`       VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
    `id`         VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `createTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    KEY `KIND_ID` (`kind`, `id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
