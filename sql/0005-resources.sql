-- What scripts use: data sources, variables, files, the durable key-value store.

-- Secrets of configJSON are kept encrypted (passwordCipher, secretKeyCipher).
CREATE TABLE IF NOT EXISTS `data_source` (
    `seq`         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`          VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `title`       VARCHAR(256) NULL,
    `description` TEXT NULL,
    `type`        VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `configJSON`  LONGTEXT COLLATE utf8mb4_bin NOT NULL,
    `isBuiltin`   TINYINT(1) NOT NULL DEFAULT 0,
    `createTime`  TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`  TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                  ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `env_variable` (
    `seq`             BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`              VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `title`           VARCHAR(256) NULL,
    `description`     TEXT NULL,
    `valueTEXT`       LONGTEXT NOT NULL,
    `autoTypeCasting` VARCHAR(64) COLLATE utf8mb4_bin NOT NULL DEFAULT 'string',
    `createTime`      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime`      TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                      ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS `file_service` (
    `seq`        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`         VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `root`       TEXT COLLATE utf8mb4_bin NOT NULL,
    `isDisabled` TINYINT(1) NOT NULL DEFAULT 0,
    `note`       TEXT NULL,
    `createTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                 ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- id: fnst- and the MD5 of key and scope. expireAt: Unix seconds.
CREATE TABLE IF NOT EXISTS `func_store` (
    `seq`        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    `id`         VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    `scope`      VARCHAR(256) COLLATE utf8mb4_bin NOT NULL,
    `key`        VARCHAR(256) COLLATE utf8mb4_bin NOT NULL,
    `valueJSON`  LONGTEXT COLLATE utf8mb4_bin NOT NULL,
    `expireAt`   BIGINT NULL,
    `createTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    `updateTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
                 ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (`seq`),
    UNIQUE KEY `ID` (`id`),
    UNIQUE KEY `SCOPE_KEY` (`scope`, `key`),
    KEY `EXPIRE_AT` (`expireAt`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
