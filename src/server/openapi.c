/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/openapi.json: docs/api/openapi.json as it was when this was built. */
#include "server/openapi.h"

#include "server/api.h"
#include "server/negotiate.h"
#include "server/problem.h"
#include "server/query.h"

void mun_api_openapi(const mun_request *request, mun_response *response)
{
    mun_error err = {0};
    if (mun_query_none(request->query, &err) != MUN_OK) {
        mun_problem_error(request, response, &err);
        return;
    }
    mun_response_ok(response, MUN_TYPE_JSON, "no-cache");
    response->fixed = mun_slice_of(mun_openapi_bytes, mun_openapi_len);
    mun_response_etag(response);
}
