# DFF: everything goes into $(BUILD), which has the layout of an installation:
# bin/, modules/, python/, sql/; CONTRIBUTING.md has the table of targets.
#
#   BUILD=dir         another build folder
#   SANITIZER=a,b     -fsanitize=a,b for everything (`make asan` uses it)
#   V=1               shows the commands
#   CC, NGINX_SRC, NGINX_BIN, DESTDIR, PREFIX as usual

BUILD     ?= build
PREFIX    ?= /usr/local/dataflux-func
DESTDIR   ?=
SANITIZER ?=
export CC ?= cc
NGINX_SRC ?= /usr/share/nginx/src
export NGINX_SRC

ifeq ($(CC),cc)
CC := $(shell command -v gcc || echo cc)
endif

Q   := $(if $(V),,@)
say  = @$(if $(V),:,printf '  %-7s %s\n' $(1) $(2))

.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# --- what the machine has ------------------------------------------------

NO_AUTO_GOALS := clean lint-text help
ifneq ($(if $(MAKECMDGOALS),$(filter-out $(NO_AUTO_GOALS),$(MAKECMDGOALS)),all),)
-include $(BUILD)/auto.mk
endif

# Looked at again when packages were installed or upgraded; what comes out the same
# keeps its time, so that nothing is compiled again.
$(BUILD)/auto.mk: $(BUILD)/auto.stamp ;
$(BUILD)/auto.stamp: auto/check auto/feature auto/features $(wildcard /var/lib/dpkg/status)
	@mkdir -p $(@D)
	@auto/check --out $(BUILD)
	@touch $@

# --- flags -----------------------------------------------------------------

WARNINGS = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wformat=2 $(QUIET)
# gcc before 12 warns of fields that a designated initializer leaves to be zero.
QUIET    := -Wno-missing-field-initializers
ifneq ($(SANITIZER),)
HARDEN   := -O1 -fsanitize=$(SANITIZER) -fno-sanitize-recover=undefined
LDHARDEN := -fsanitize=$(SANITIZER)
SANITIZER_SRC := t/sanitizer/dff_sanitizer_options.c
else
# With clang, glibc makes macros of functions for it, which dff_banned.h cannot ban.
FORTIFY  := $(if $(findstring clang,$(CC)),,-D_FORTIFY_SOURCE=2)
HARDEN   := -O2 -fstack-protector-strong -U_FORTIFY_SOURCE $(FORTIFY)
LDHARDEN := -Wl,-z,relro -Wl,-z,now
endif

CPPFLAGS := -D_GNU_SOURCE -Icommon -Iexecutor -I$(BUILD)/auto \
            $(HIREDIS_CFLAGS) $(JANSSON_CFLAGS) $(YAML_CFLAGS) $(CRYPTO_CFLAGS) \
            $(MYSQL_CFLAGS) $(ARCHIVE_CFLAGS) $(PYTHON_CFLAGS) $(CMOCKA_CFLAGS)
CFLAGS   := -std=gnu11 -g $(HARDEN) -fno-omit-frame-pointer -fPIE $(WARNINGS) $(EXTRA_CFLAGS)
LDFLAGS  := -pie $(LDHARDEN) -Wl,--as-needed -pthread
LDLIBS   := $(HIREDIS_LIBS) $(EVENT_LIBS) $(JANSSON_LIBS) $(YAML_LIBS) $(MYSQL_LIBS) \
            $(PYTHON_LIBS) $(CRYPTO_LIBS) $(CRYPT_LIBS) $(ZLIB_LIBS) $(ARCHIVE_LIBS) -lm

# --- sources: whatever lies in the folders ------------------------------------

sources  = $(filter-out %_test.c %_fuzz.c,$(wildcard $(addsuffix /*.c,$(1))))
tests_of = $(patsubst %.c,$(BUILD)/test/%,$(notdir $(wildcard $(addsuffix /*_test.c,$(1)))))
objects  = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

EXECUTOR_DIRS := executor executor/master executor/worker executor/redis executor/store \
                 executor/api executor/api/http executor/api/rest executor/files \
                 executor/ctl
MAINS         := executor/dff_executor.c executor/ctl/dffctl.c
COMMON_SRC    := $(call sources,common)
MODULE_SRC    := $(call sources,ngx_dff_module)
TEST_DIRS     := common $(EXECUTOR_DIRS)
TEST_SRC      := $(wildcard $(addsuffix /*_test.c,$(TEST_DIRS)))
TESTS         := $(call tests_of,$(TEST_DIRS))

# A library for each folder; what a folder may use, tests included, is stated here.
lib_of        = $(BUILD)/lib/libdff-$(notdir $(1)).a
uses_common   := common
uses_executor := executor common
uses_store    := store common
uses_ctl      := ctl store executor common
uses_redis    := redis common
uses_master   := master redis files executor common
uses_files    := files common
uses_api      := api http rest store redis files executor common
uses_http     := http rest api store redis files executor common
uses_rest     := rest http api store redis files executor common
uses_worker   := worker executor common
libs_of       = $(foreach dir,$(uses_$(notdir $(1))),$(call lib_of,$(dir)))
EXECUTOR_LIBS := $(foreach dir,master api http rest files worker store redis executor common,$(call lib_of,$(dir)))
PROGRAMS      := $(patsubst %,$(BUILD)/bin/%,$(subst _,-,$(notdir $(basename $(wildcard $(MAINS))))))
MODULE        := $(if $(MODULE_SRC),$(BUILD)/modules/ngx_http_dff_module.so)

.PHONY: all programs module tests python sql test bench install asan lint lint-text docs clean help
.PHONY: FORCE fuzz fuzzers faults soak

all: programs module python sql $(if $(SANITIZER),$(BUILD)/lib/keep_modules.so)
programs: $(PROGRAMS)
module: $(MODULE)
tests: $(TESTS)

# --- programs ------------------------------------------------------------------

# Changed flags compile everything again.
$(BUILD)/flags: FORCE | $(BUILD)/auto.mk
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDLIBS)' | cmp -s - $@ || \
	    echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDLIBS)' > $@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

define lib_rule
$(call lib_of,$(1)): $(call objects,$(filter-out $(MAINS),$(call sources,$(1)))) $(BUILD)/sources
	@mkdir -p $$(@D) && rm -f $$@
	$$(call say,AR,$$@)
	$(Q)ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach dir,$(TEST_DIRS),$(eval $(call lib_rule,$(dir))))

$(BUILD)/bin/dff-executor: $(BUILD)/obj/executor/dff_executor.o $(EXECUTOR_LIBS)
$(BUILD)/bin/dffctl: $(BUILD)/obj/executor/ctl/dffctl.o $(call libs_of,ctl)
$(PROGRAMS): $(call objects,$(SANITIZER_SRC))
# Whole: two functions of one name in different folders are an error then; else the
# linker would take the first one and say nothing.
$(PROGRAMS):
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--whole-archive $(filter %.a,$^) \
	    -Wl,--no-whole-archive $(LDLIBS)

# One rule for each test, as they lie in several folders. A group, since the folders of the
# api processes use each other.
define test_rule
$(BUILD)/test/$(notdir $(1:.c=)): $(BUILD)/obj/$(1:.c=.o) $(call objects,$(SANITIZER_SRC)) \
    $(call libs_of,$(patsubst %/,%,$(dir $(1))))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group \
	    $$(filter %.a,$$^) -Wl,--end-group $(CMOCKA_LIBS) $(LDLIBS)
endef
$(foreach src,$(TEST_SRC),$(eval $(call test_rule,$(src))))

ifneq ($(TEST_SRC),)
ifeq ($(HAVE_CMOCKA),)
$(TESTS): no-cmocka
.PHONY: no-cmocka
no-cmocka:
	@echo 'cmocka is missing: apt-get install libcmocka-dev' >&2; exit 1
endif
endif

# --- the nginx module ------------------------------------------------------------

NGX_OBJS := $(BUILD)/nginx/objs
# nginx adds its headers with -I; naming them with -isystem as well makes them
# system headers, so that our warnings are about our code.
NGX_SYSTEM := $(addprefix -isystem $(NGINX_SRC)/src/,core event event/modules os/unix http \
                http/modules http/v2)
NGX_TREE   := $(abspath $(BUILD))/nginx/src
MODULE_CC_OPT := -g $(HARDEN) -fno-omit-frame-pointer $(WARNINGS) -Wno-unused-parameter \
                 $(subst $(NGINX_SRC)/src/,src/,$(NGX_SYSTEM)) $(EXTRA_CFLAGS)

# Written only when a list changes: a library forgets a file that is gone, and nginx is
# configured again for a new one.
$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(sort $(call sources,$(TEST_DIRS)))' | cmp -s - $@ || \
	    echo '$(sort $(call sources,$(TEST_DIRS)))' > $@
$(BUILD)/module-sources: FORCE
	@mkdir -p $(@D)
	@echo '$(sort $(COMMON_SRC) $(MODULE_SRC) $(wildcard common/*.h ngx_dff_module/*.h))' \
	    '$(MODULE_CC_OPT)' | cmp -s - $@ || \
	 echo '$(sort $(COMMON_SRC) $(MODULE_SRC) $(wildcard common/*.h ngx_dff_module/*.h))' \
	    '$(MODULE_CC_OPT)' > $@

$(NGX_OBJS)/Makefile: config auto/nginx-module $(BUILD)/auto.mk $(BUILD)/module-sources
	$(call say,CONFIG,nginx)
	$(Q)auto/nginx-module $(BUILD) '$(MODULE_CC_OPT)' '$(LDHARDEN)' > $(BUILD)/nginx.log 2>&1 || \
	    { cat $(BUILD)/nginx.log; rm -f $@; exit 1; }

# nginx's makefile knows what depends on what; it links only when it must.
$(BUILD)/modules/ngx_http_dff_module.so: $(NGX_OBJS)/Makefile FORCE
	@mkdir -p $(@D)
	@$(MAKE) $(if $(V),,-s) --no-print-directory -C $(NGX_TREE) -f $(abspath $(NGX_OBJS))/Makefile modules
	@cmp -s $(NGX_OBJS)/ngx_http_dff_module.so $@ || \
	    { echo '  MODULE  $@' && cp $(NGX_OBJS)/ngx_http_dff_module.so $@.new && mv $@.new $@; }

$(BUILD)/lib/keep_modules.so: t/sanitizer/keep_modules.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -g -fPIC -shared $(WARNINGS) -o $@ $<

# --- what is only copied ----------------------------------------------------------

PYTHON_FILES := $(shell find executor/python -name '*.py' ! -name '*_test.py' ! -name 'test_*' \
                    2>/dev/null)
SQL_FILES    := $(wildcard sql/*.sql)

python: $(patsubst executor/python/%,$(BUILD)/python/%,$(PYTHON_FILES))
sql: $(patsubst sql/%,$(BUILD)/sql/%,$(SQL_FILES))

$(BUILD)/python/%: executor/python/%
	@mkdir -p $(@D)
	$(call say,COPY,$@)
	$(Q)cp $< $@
$(BUILD)/sql/%: sql/%
	@mkdir -p $(@D)
	$(call say,COPY,$@)
	$(Q)cp $< $@

# --- tests ---------------------------------------------------------------------------

test:
	bash t/run.sh

# make test-common, test-master, test-worker, test-redis, test-store, test-api, test-ctl,
# test-files, test-executor
define test_dir_rule
.PHONY: test-$(notdir $(1))
test-$(notdir $(1)): $(call tests_of,$(1)) python sql
	@bash t/cmocka.sh $(call tests_of,$(1))
endef
$(foreach dir,$(TEST_DIRS),$(eval $(call test_dir_rule,$(dir))))

asan:
	$(MAKE) SANITIZER=address,undefined BUILD=build-asan all tests

# Each t/fuzz/<name>_fuzz.c with its parser, under the sanitizers; clang has libFuzzer.
FUZZ_CC      ?= clang
FUZZ_SECONDS ?= 60
FUZZ_CFLAGS  := -std=gnu11 -g -O1 -fno-omit-frame-pointer $(WARNINGS) -It/fuzz \
                -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_NAMES   := $(patsubst t/fuzz/%_fuzz.c,%,$(wildcard t/fuzz/*_fuzz.c))
FUZZERS      := $(addprefix $(BUILD)/fuzz/,$(FUZZ_NAMES))
FUZZ_PARSERS := $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(COMMON_SRC) executor/dff_frame.c \
                  executor/api/http/dff_scgi.c executor/api/dff_service_request.c)

fuzz: fuzzers
	@bash t/fuzz.sh '$(BUILD)' '$(FUZZ_SECONDS)' $(FUZZ_NAMES)

fuzzers: $(FUZZERS)

$(BUILD)/fuzz/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZERS): $(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/t/fuzz/%_fuzz.o $(FUZZ_PARSERS)
	$(call say,LINK,$@)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(HIREDIS_LIBS) $(JANSSON_LIBS) \
	    $(YAML_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) -lm

bench: all
	bash bench/run.sh

faults soak:
	bash t/run.sh --only $@

# --- checks of the text ---------------------------------------------------------------

C_FILES := $(wildcard common/*.[ch] executor/*.[ch] executor/*/*.[ch] executor/*/*/*.[ch] \
           ngx_dff_module/*.[ch])

lint: lint-text all tests
	@bash auto/lint-compile '$(BUILD)' '$(CPPFLAGS) -std=gnu11 $(WARNINGS)' $(filter %.c,$(C_FILES))

lint-text:
	@bash auto/lint-text $(C_FILES)

docs: $(BUILD)/bin/dffctl
	bash auto/docs '$(BUILD)'

# --- installation ---------------------------------------------------------------------

install: all
	bash auto/install '$(BUILD)' '$(DESTDIR)$(PREFIX)'

clean:
	rm -rf build build-asan

help:
	@sed -n '/^| `make/p' CONTRIBUTING.md

-include $(shell find $(BUILD)/obj $(BUILD)/fuzz/obj -name '*.d' 2>/dev/null)
