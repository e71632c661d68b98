using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>
/// The routes of coze-discord-proxy under <c>/api</c>: tenants create and delete channels and threads in the Discord servers of their own bots. Failures have
/// the status 200.
/// </summary>
internal sealed class CdpChannels(ApiKeys keys, CdpServers servers)
{
    private const string SecretHeader = "proxy-secret";
    private const int MaxBodyBytes = 64 * 1024;

    private const string InvalidBody = "无效的参数";
    private const string NotCreated = "discord创建频道异常";
    private const string NotDeleted = "discord删除频道异常";
    private const string Deleted = "discord删除频道成功";
    private const string ThreadNotCreated = "discord创建线程异常";
    private const string WrongDuration = "线程创建时间只可为[60,1440,4320,10080]";

    public async Task Create(HttpContext context)
    {
        Authenticate(context);
        if (await Try(context, InvalidBody, async () => await CdpBody.Read(context, MaxBodyBytes, CdpBody.ReadChannel)) is { } channel)
            await Create(context, channel, NotCreated);
    }

    public async Task CreateThread(HttpContext context)
    {
        Authenticate(context);
        if (await Try(context, InvalidBody, async () => await CdpBody.Read(context, MaxBodyBytes, CdpBody.ReadThread)) is not { } thread) return;
        if (thread.ArchiveMinutes is 60 or 1440 or 4320 or 10080) await Create(context, thread, ThreadNotCreated);
        else await WriteFailure(context, WrongDuration);
    }

    public Task Delete(HttpContext context)
    {
        Authenticate(context);
        return Delete(context, tenantId => servers.Delete(tenantId, (string)context.GetRouteValue("id")!));
    }

    public Task DeleteAll(HttpContext context)
    {
        Authenticate(context);
        return Delete(context, servers.DeleteTurnChannels);
    }

    private void Authenticate(HttpContext context)
    {
        if (CdpOptions.IsOnlyOpenAi(context))
            throw new ClusterException(ErrorCode.NotFound, $"Unknown request URL: {context.Request.Method} {context.Request.Path}.");
        // Channels are deleted by GET, and an endpoint may need no key: any page in a browser could do it.
        if (context.Request.Headers["Sec-Fetch-Site"].ToString() is "cross-site")
            throw new ClusterException(ErrorCode.PermissionDenied, "Pages of other sites may not use this route.");
        keys.Authenticate(context, context.Request.Headers[SecretHeader].ToString().AsSpan().Trim());
    }

    private async Task Create(HttpContext context, NewGuildChannel wanted, string failure)
    {
        if (await Try(context, failure, () => servers.Create(RequestInfo.TenantIdOf(context), wanted)) is not { } created) return;
        // The name as it was asked for: Discord may have changed it.
        await JsonBody.Write(context, created with { Name = wanted.Name }, static (writer, channel) =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("success"u8, true);
            writer.WriteStartObject("data"u8);
            writer.WriteString("id"u8, channel.Id);
            writer.WriteString("name"u8, channel.Name);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
    }

    private static async Task Delete(HttpContext context, Func<string, Task> delete)
    {
        var deleted = await Try(context, NotDeleted, async () =>
        {
            await delete(RequestInfo.TenantIdOf(context));
            return Deleted;
        });
        if (deleted is null) return;
        await JsonBody.Write(context, deleted, static (writer, message) =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("success"u8, true);
            writer.WriteString("message"u8, message);
            writer.WriteEndObject();
        });
    }

    /// <returns>The result; null if it failed, and the failure was written.</returns>
    private static async Task<T?> Try<T>(HttpContext context, string failure, Func<Task<T>> act) where T : class
    {
        try
        {
            return await act();
        }
        catch (ClusterException exception)
        {
            RequestInfo.Of(context).Error = exception.Code;
            await WriteFailure(context, failure, exception.Message);
            return null;
        }
    }

    private static Task WriteFailure(HttpContext context, string message, string? detail = null) =>
        JsonBody.Write(context, (message, detail), static (writer, failure) => CdpErrors.WriteFailure(writer, failure.message, failure.detail));
}
