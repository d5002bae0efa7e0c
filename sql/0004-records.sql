-- What calls leave behind. These tables are cut to a number of rows and are
-- dumped without rows by the backup.

CREATE TABLE IF NOT EXISTS `crontab_task_info` (
    `seq`                  BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`                   VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `crontabConfigId`      VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `funcId`               VARCHAR(256) COLLATE utf8mb4_bin NOT NULL,
    `scriptPublishVersion` INT NULL,
    `queueTime`            TIMESTAMP(3) NULL DEFAULT NULL,
    `startTime`            TIMESTAMP(3) NULL DEFAULT NULL,
    `endTime`              TIMESTAMP(3) NULL DEFAULT NULL,
    `status`               VARCHAR(64) COLLATE utf8mb4_bin NOT NULL DEFAULT 'queued',
    `logMessageTEXT`       LONGTEXT NULL,
    `einfoTEXT`            LONGTEXT NULL,
    `createTime`           TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`           TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                           ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `CRONTAB_CONFIG_ID` (`crontabConfigId`),
    KEY `FUNC_ID` (`funcId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `batch_task_info` (
    `seq`                  BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`                   VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `batchId`              VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `funcId`               VARCHAR(256) COLLATE utf8mb4_bin NOT NULL,
    `scriptPublishVersion` INT NULL,
    `queueTime`            TIMESTAMP(3) NULL DEFAULT NULL,
    `startTime`            TIMESTAMP(3) NULL DEFAULT NULL,
    `endTime`              TIMESTAMP(3) NULL DEFAULT NULL,
    `status`               VARCHAR(64) COLLATE utf8mb4_bin NOT NULL DEFAULT 'queued',
    `logMessageTEXT`       LONGTEXT NULL,
    `einfoTEXT`            LONGTEXT NULL,
    `createTime`           TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`           TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                           ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `BATCH_ID` (`batchId`),
    KEY `FUNC_ID` (`funcId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Results of calls with saveResult. startTime and endTime: Unix seconds.
CREATE TABLE IF NOT EXISTS `task_result` (
    `seq`        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`         VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `task`       VARCHAR(128) COLLATE utf8mb4_bin NOT NULL,
    `origin`     VARCHAR(128) COLLATE utf8mb4_bin NULL,
    `originId`   VARCHAR(64) COLLATE utf8mb4_bin NULL,
    `funcId`     VARCHAR(256) COLLATE utf8mb4_bin NULL,
    `execMode`   VARCHAR(64) COLLATE utf8mb4_bin NULL,
    `startTime`  BIGINT NULL,
    `endTime`    BIGINT NULL,
    `argsJSON`   LONGTEXT COLLATE utf8mb4_bin NULL,
    `kwargsJSON` LONGTEXT COLLATE utf8mb4_bin NULL,
    `retvalJSON` LONGTEXT COLLATE utf8mb4_bin NULL,
    `status`     VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `einfoTEXT`  LONGTEXT NULL,
    `createTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                 ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `FUNC_ID` (`funcId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `script_log` (
    `seq`                  BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`                   VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `funcId`               VARCHAR(256) COLLATE utf8mb4_bin NOT NULL,
    `scriptPublishVersion` INT NULL,
    `execMode`             VARCHAR(64) COLLATE utf8mb4_bin NULL,
    `messageTEXT`          LONGTEXT NULL,
    `createTime`           TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`           TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                           ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `FUNC_ID` (`funcId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `script_failure` (
    `seq`                  BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`                   VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `funcId`               VARCHAR(256) COLLATE utf8mb4_bin NOT NULL,
    `scriptPublishVersion` INT NULL,
    `execMode`             VARCHAR(64) COLLATE utf8mb4_bin NULL,
    `einfoTEXT`            LONGTEXT NULL,
    `exception`            TEXT NULL,
    `note`                 TEXT NULL,
    `createTime`           TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`           TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                           ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `FUNC_ID` (`funcId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
