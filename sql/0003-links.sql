-- Ways to call a function. A link outlives its function: funcId may name one
-- that is not published (any more), so nothing here is a foreign key.

CREATE TABLE IF NOT EXISTS `api_auth` (
    `seq`        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`         VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `name`       VARCHAR(256) NULL,
    `type`       VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `configJSON` LONGTEXT COLLATE utf8mb4_bin NOT NULL,
    `note`       TEXT NULL,
    `createTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                 ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `auth_link` (
    `seq`                BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`                 VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `funcId`             VARCHAR(256) COLLATE utf8mb4_bin NOT NULL,
    `funcCallKwargsJSON` LONGTEXT COLLATE utf8mb4_bin NOT NULL,
    `tagsJSON`           LONGTEXT COLLATE utf8mb4_bin NULL,
    `apiAuthId`          VARCHAR(64) COLLATE utf8mb4_bin NULL,
    `expireTime`         TIMESTAMP(3) NULL DEFAULT NULL,
    `throttlingJSON`     LONGTEXT COLLATE utf8mb4_bin NULL,
    `origin`             VARCHAR(64) COLLATE utf8mb4_bin NOT NULL DEFAULT 'API',
    `showInDoc`          TINYINT(1) NOT NULL DEFAULT 0,
    `isDisabled`         TINYINT(1) NOT NULL DEFAULT 0,
    `note`               TEXT NULL,
    `createTime`         TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`         TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                         ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `FUNC_ID` (`funcId`),
    KEY `API_AUTH_ID` (`apiAuthId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `batch` (
    `seq`                BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`                 VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `funcId`             VARCHAR(256) COLLATE utf8mb4_bin NOT NULL,
    `funcCallKwargsJSON` LONGTEXT COLLATE utf8mb4_bin NOT NULL,
    `tagsJSON`           LONGTEXT COLLATE utf8mb4_bin NULL,
    `apiAuthId`          VARCHAR(64) COLLATE utf8mb4_bin NULL,
    `origin`             VARCHAR(64) COLLATE utf8mb4_bin NOT NULL DEFAULT 'API',
    `showInDoc`          TINYINT(1) NOT NULL DEFAULT 0,
    `isDisabled`         TINYINT(1) NOT NULL DEFAULT 0,
    `note`               TEXT NULL,
    `createTime`         TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`         TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                         ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `FUNC_ID` (`funcId`),
    KEY `API_AUTH_ID` (`apiAuthId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- crontab NULL: as the function's fixedCrontab says. configMD5 stays NULL.
CREATE TABLE IF NOT EXISTS `crontab_config` (
    `seq`                BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`                 VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `funcId`             VARCHAR(256) COLLATE utf8mb4_bin NOT NULL,
    `funcCallKwargsJSON` LONGTEXT COLLATE utf8mb4_bin NOT NULL,
    `crontab`            VARCHAR(64) COLLATE utf8mb4_bin NULL,
    `tagsJSON`           LONGTEXT COLLATE utf8mb4_bin NULL,
    `saveResult`         TINYINT(1) NOT NULL DEFAULT 0,
    `scope`              VARCHAR(255) COLLATE utf8mb4_bin NOT NULL DEFAULT 'GLOBAL',
    `configMD5`          CHAR(32) COLLATE utf8mb4_bin NULL,
    `expireTime`         TIMESTAMP(3) NULL DEFAULT NULL,
    `origin`             VARCHAR(64) COLLATE utf8mb4_bin NOT NULL DEFAULT 'API',
    `isDisabled`         TINYINT(1) NOT NULL DEFAULT 0,
    `note`               TEXT NULL,
    `createTime`         TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`         TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                         ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `FUNC_ID` (`funcId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
