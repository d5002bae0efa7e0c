-- Scripts, the functions that they export, and their history.

CREATE TABLE IF NOT EXISTS `script_set` (
    `seq`            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`             VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `title`          VARCHAR(256) NULL,
    `description`    TEXT NULL,
    `requirements`   TEXT NULL,
    `lockedByUserId` VARCHAR(256) COLLATE utf8mb4_bin NULL,
    `isBuiltin`      TINYINT(1) NOT NULL DEFAULT 0,
    `createTime`     TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`     TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                     ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- code is NULL and publishVersion 0 until the first publish.
CREATE TABLE IF NOT EXISTS `script` (
    `seq`            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`             VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `scriptSetId`    VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `title`          VARCHAR(256) NULL,
    `description`    TEXT NULL,
    `publishVersion` INT NOT NULL DEFAULT 0,
    `type`           VARCHAR(64) COLLATE utf8mb4_bin NOT NULL DEFAULT 'python',
    `code`           LONGTEXT COLLATE utf8mb4_bin NULL,
    `codeMD5`        CHAR(32) COLLATE utf8mb4_bin NULL,
    `codeDraft`      LONGTEXT COLLATE utf8mb4_bin NULL,
    `codeDraftMD5`   CHAR(32) COLLATE utf8mb4_bin NULL,
    `lockedByUserId` VARCHAR(256) COLLATE utf8mb4_bin NULL,
    `createTime`     TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`     TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                     ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `SCRIPT_SET_ID` (`scriptSetId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Written by publishing only: the rows of a script are replaced as one.
CREATE TABLE IF NOT EXISTS `func` (
    `seq`             BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`              VARCHAR(256) COLLATE utf8mb4_bin NOT NULL,
    `scriptSetId`     VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `scriptId`        VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `name`            VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `title`           VARCHAR(256) NULL,
    `description`     TEXT NULL,
    `definition`      TEXT NULL,
    `argsJSON`        LONGTEXT COLLATE utf8mb4_bin NULL,
    `kwargsJSON`      LONGTEXT COLLATE utf8mb4_bin NULL,
    `extraConfigJSON` LONGTEXT COLLATE utf8mb4_bin NULL,
    `category`        VARCHAR(64) COLLATE utf8mb4_bin NOT NULL DEFAULT 'general',
    `integration`     VARCHAR(64) COLLATE utf8mb4_bin NULL,
    `tagsJSON`        LONGTEXT COLLATE utf8mb4_bin NULL,
    `defOrder`        INT NOT NULL DEFAULT 0,
    `createTime`      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                      ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `SCRIPT_ID` (`scriptId`, `defOrder`),
    KEY `SCRIPT_SET_ID` (`scriptSetId`),
    KEY `CATEGORY` (`category`),
    KEY `INTEGRATION` (`integration`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `script_publish_history` (
    `seq`                  BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`                   VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `scriptId`             VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `scriptPublishVersion` INT NOT NULL,
    `scriptCode_cache`     LONGTEXT COLLATE utf8mb4_bin NULL,
    `note`                 TEXT NULL,
    `createTime`           TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`           TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                           ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `SCRIPT_ID` (`scriptId`, `scriptPublishVersion`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- type: manual, import, install or recover.
CREATE TABLE IF NOT EXISTS `script_recover_point` (
    `seq`        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`         VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `type`       VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `exportData` LONGTEXT COLLATE utf8mb4_bin NULL,
    `note`       TEXT NULL,
    `createTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                 ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `script_set_export_history` (
    `seq`         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`          VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `note`        TEXT NULL,
    `summaryJSON` LONGTEXT COLLATE utf8mb4_bin NULL,
    `createTime`  TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`  TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                  ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `script_set_import_history` (
    `seq`         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`          VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `note`        TEXT NULL,
    `summaryJSON` LONGTEXT COLLATE utf8mb4_bin NULL,
    `createTime`  TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`  TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                  ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
