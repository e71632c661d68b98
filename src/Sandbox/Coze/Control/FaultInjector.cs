using System.Text;

namespace CozeCluster.Sandbox.Coze;

/// <summary>
/// Injects faults into requests that have no prompt with directives, such as retrieve, message list, cancel, upload and token.
/// </summary>
internal sealed class FaultInjector(TimeProvider time)
{
    private readonly CountedQueue<InjectedFault> _faults = new();

    /// <summary>Adds a fault for the next <paramref name="times"/> matching requests.</summary>
    public void Add(InjectedFault fault, int times) => _faults.Add(fault, times);

    public void Clear() => _faults.Clear();

    /// <summary>Applies the first matching fault. True: it has written the response.</summary>
    /// <exception cref="CozeException">The fault is an error code.</exception>
    public async Task<bool> ApplyAsync(CozeContext context)
    {
        var path = context.Http.Request.Path.Value ?? "";
        if (_faults.Take(f => path.EndsWith(f.Path, StringComparison.Ordinal)) is not { } fault) return false;
        if (fault.Delay > TimeSpan.Zero) await Task.Delay(fault.Delay, time, context.Aborted);
        if (fault.Error is { } code) throw new CozeException(code, httpStatus: fault.Http);
        if (fault.Http is not { } status) return false;
        await WriteProxyErrorAsync(context.Http, status);
        return true;
    }

    /// <summary>Writes an HTML error page without an envelope, as a proxy in front of the real server does.</summary>
    public static async Task WriteProxyErrorAsync(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html";
        await http.Response.Body.WriteAsync(Encoding.ASCII.GetBytes($"<html><body><h1>{status}</h1></body></html>"), http.RequestAborted);
    }
}

/// <summary>
/// A fault for requests whose path ends with <paramref name="Path"/>. After the delay, the response is the error code, the HTTP status or
/// both; without either, the request is handled normally.
/// </summary>
internal sealed record InjectedFault(string Path, TimeSpan Delay, int? Http, int? Error);
