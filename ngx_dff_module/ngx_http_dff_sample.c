/* Lines of Prometheus's format: see the header. */
#include "ngx_http_dff_sample.h"


static void ngx_http_dff_sample_escape(dff_buf_t *out, const char *value);


void
ngx_http_dff_sample(dff_buf_t *out, const char *name, const ngx_http_dff_label_t *labels,
    size_t nlabels, uint64_t value)
{
    ngx_http_dff_sample_name(out, name, "", labels, nlabels);
    dff_buf_addf(out, " %llu\n", (unsigned long long) value);
}


void
ngx_http_dff_sample_name(dff_buf_t *out, const char *name, const char *suffix,
    const ngx_http_dff_label_t *labels, size_t nlabels)
{
    size_t  i;

    dff_buf_addf(out, "%s%s", name, suffix);

    for (i = 0; i < nlabels; i++) {
        dff_buf_addf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        ngx_http_dff_sample_escape(out, labels[i].value);
        dff_buf_addf(out, "\"%s", i == nlabels - 1 ? "}" : "");
    }
}


static void
ngx_http_dff_sample_escape(dff_buf_t *out, const char *value)
{
    for ( /* void */ ; *value != '\0'; value++) {
        switch (*value) {

        case '\\':
            dff_buf_add_str(out, DFF_STR("\\\\"));
            break;

        case '"':
            dff_buf_add_str(out, DFF_STR("\\\""));
            break;

        case '\n':
            dff_buf_add_str(out, DFF_STR("\\n"));
            break;

        default:
            dff_buf_add(out, value, 1);
        }
    }
}
