using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.UsageReports;

/// <summary>
/// Answers requests for usage. A report may read all rows of 90 days, so each tenant, and operators together, have few reports at the same time in a node.
/// </summary>
internal sealed class UsageReporter(IGrainFactory grains, TimeProvider time)
{
    /// <summary>How many reports a tenant or operators may have at the same time. More are refused.</summary>
    private const int MaxAtOnce = 4;

    private const int RowsPerRead = 5_000;

    private readonly Dictionary<string, int> _running = new(StringComparer.Ordinal);

    /// <summary>Answers with a page as JSON, or with all rows as comma separated values.</summary>
    /// <param name="context">The request.</param>
    /// <param name="allowed">What the client may group and filter by.</param>
    /// <param name="onlyTenant">The only tenant that the client may see; null: all.</param>
    /// <exception cref="ClusterException">A parameter is wrong, there are too many reports, or the storage failed.</exception>
    public async Task Answer(HttpContext context, UsageDimensions allowed, string? onlyTenant)
    {
        var isCsv = UsageParameters.IsCsv(context.Request);
        var query = UsageParameters.Read(context.Request, allowed, time.GetUtcNow());
        if (onlyTenant is not null) query = query with { TenantId = onlyTenant };
        using var report = Begin(onlyTenant);
        if (isCsv) await WriteCsv(context, onlyTenant, query);
        else await WriteJson(context, onlyTenant, query);
    }

    /// <summary>Adds up what a tenant has used.</summary>
    /// <exception cref="ClusterException">There are too many reports, or the storage failed.</exception>
    public async Task<UsageSums> Sum(string tenantId, DateTimeOffset from, DateTimeOffset until)
    {
        using var report = Begin(tenantId);
        return (await Reader(tenantId).Read(new UsageQuery { From = from, Until = until, TenantId = tenantId }))[0].Sums;
    }

    private async Task WriteJson(HttpContext context, string? onlyTenant, UsageQuery query)
    {
        // One more than the page shows whether there is another page.
        var rows = await Reader(onlyTenant).Read(query with { Limit = query.Limit + 1 });
        var next = rows.Count > query.Limit ? UsageParameters.CursorOf(rows[query.Limit - 1]) : null;
        var page = new UsagePage([.. rows.Take(query.Limit).Select(UsageEntry.Of)], next);
        await JsonBody.Write(context, page, static (writer, page) => JsonSerializer.Serialize(writer, page, UsageJson.Default.UsagePage));
    }

    // An error after the first rows ends the connection, so that the client knows that some are missing.
    private async Task WriteCsv(HttpContext context, string? onlyTenant, UsageQuery query)
    {
        var rows = await Reader(onlyTenant).Read(query with { Limit = RowsPerRead });
        var response = context.Response;
        response.ContentType = "text/csv; charset=utf-8; header=present";
        response.Headers.CacheControl = "no-store";
        response.Headers.ContentDisposition = "attachment; filename=\"usage.csv\"";
        await response.WriteAsync(UsageCsv.Header(query), Encoding.UTF8, context.RequestAborted);
        while (rows.Count > 0)
        {
            await response.WriteAsync(UsageCsv.Lines(query, rows), Encoding.UTF8, context.RequestAborted);
            if (rows.Count < RowsPerRead) return;
            rows = await Reader(onlyTenant).Read(query with { After = rows[^1], Limit = RowsPerRead });
        }
    }

    private IUsageGrain Reader(string? onlyTenant) => grains.Grain<IUsageGrain>(GrainKeys.Usage(onlyTenant));

    private Running Begin(string? onlyTenant)
    {
        var of = onlyTenant ?? "";
        lock (_running)
        {
            var count = _running.GetValueOrDefault(of);
            if (count >= MaxAtOnce)
                throw new ClusterException(ErrorCode.RateLimited, "Too many reports of usage are being made at the same time. Retry when one has ended.");
            _running[of] = count + 1;
        }
        return new Running(this, of);
    }

    private void End(string of)
    {
        lock (_running)
        {
            if (--_running[of] == 0) _running.Remove(of);
        }
    }

    private sealed class Running(UsageReporter reports, string of) : IDisposable
    {
        public void Dispose() => reports.End(of);
    }
}
