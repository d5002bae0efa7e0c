-- Who may sign in, what is configured in the database, and the audit trail.

CREATE TABLE IF NOT EXISTS `user` (
    `seq`              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`               VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `username`         VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `passwordHash`     VARCHAR(255) COLLATE utf8mb4_bin NULL,
    `name`             VARCHAR(256) NULL,
    `mobile`           VARCHAR(32) NULL,
    `markers`          TEXT NULL,
    `roles`            TEXT NULL,
    `customPrivileges` TEXT NULL,
    `isDisabled`       TINYINT(1) NOT NULL DEFAULT 0,
    `createTime`       TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`       TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                       ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    UNIQUE KEY `USERNAME` (`username`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The secret is kept encrypted (secretCipher), never in clear.
CREATE TABLE IF NOT EXISTS `access_key` (
    `seq`              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`               VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `userId`           VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `name`             VARCHAR(256) NULL,
    `secretCipher`     TEXT COLLATE utf8mb4_bin NOT NULL,
    `webhookURL`       TEXT NULL,
    `webhookEvents`    TEXT NULL,
    `allowWebhookEcho` TINYINT(1) NOT NULL DEFAULT 0,
    `createTime`       TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`       TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                       ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `USER_ID` (`userId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `system_config` (
    `seq`        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`         VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `value`      LONGTEXT NOT NULL,
    `createTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                 ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `operation_record` (
    `seq`             BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`              VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `userId`          VARCHAR(256) COLLATE utf8mb4_bin NULL,
    `username`        VARCHAR(256) NULL,
    `clientId`        VARCHAR(128) COLLATE utf8mb4_bin NULL,
    `clientIPsJSON`   LONGTEXT COLLATE utf8mb4_bin NULL,
    `traceId`         VARCHAR(128) COLLATE utf8mb4_bin NULL,
    `reqMethod`       VARCHAR(16) COLLATE utf8mb4_bin NULL,
    `reqRoute`        VARCHAR(256) COLLATE utf8mb4_bin NULL,
    `reqQueryJSON`    LONGTEXT COLLATE utf8mb4_bin NULL,
    `reqParamsJSON`   LONGTEXT COLLATE utf8mb4_bin NULL,
    `reqBodyJSON`     LONGTEXT COLLATE utf8mb4_bin NULL,
    `reqFileInfoJSON` LONGTEXT COLLATE utf8mb4_bin NULL,
    `reqCost`         INT NULL,
    `respStatusCode`  INT NULL,
    `respBodyJSON`    LONGTEXT COLLATE utf8mb4_bin NULL,
    `createTime`      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                      ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    KEY `USER_ID` (`userId`),
    KEY `TRACE_ID` (`traceId`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
