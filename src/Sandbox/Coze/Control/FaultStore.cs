using System.Text;

namespace CozeCluster.Sandbox.Coze.Control;

/// <summary>A fault laid on calls whose path ends with <paramref name="Path"/>: wait, then answer with a status or a code, or go on as usual.</summary>
internal sealed record InjectedFault(string Path, TimeSpan Delay, int? Http, int? Error);

/// <summary>Faults for calls that have no prompt to carry a directive: retrieve, message list, cancel, upload, token, …</summary>
internal sealed class FaultStore(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly List<(InjectedFault Fault, int Left)> _faults = [];

    /// <summary>Lays a fault on the next <paramref name="times"/> fitting calls.</summary>
    public void Add(InjectedFault fault, int times)
    {
        lock (_gate) _faults.Add((fault, times));
    }

    public void Reset()
    {
        lock (_gate) _faults.Clear();
    }

    /// <summary>Applies the first fitting fault; true when it has answered the call.</summary>
    /// <exception cref="CozeException">The fault is a code.</exception>
    public async Task<bool> ApplyAsync(CozeCall call)
    {
        if (Take(call.Http.Request.Path.Value ?? "") is not { } fault) return false;
        if (fault.Delay > TimeSpan.Zero) await Task.Delay(fault.Delay, time, call.Aborted);
        if (fault.Error is { } code) throw new CozeException(code, httpStatus: fault.Http);
        if (fault.Http is not { } status) return false;
        await WriteBareAsync(call.Http, status);
        return true;
    }

    /// <summary>Answers the way a proxy before the real server does: a status and a page, no envelope.</summary>
    public static async Task WriteBareAsync(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html";
        await http.Response.Body.WriteAsync(Encoding.ASCII.GetBytes($"<html><body><h1>{status}</h1></body></html>"), http.RequestAborted);
    }

    private InjectedFault? Take(string path)
    {
        lock (_gate)
        {
            for (var i = 0; i < _faults.Count; i++)
            {
                var (fault, left) = _faults[i];
                if (!path.EndsWith(fault.Path, StringComparison.Ordinal)) continue;
                if (left == 1) _faults.RemoveAt(i);
                else _faults[i] = (fault, left - 1);
                return fault;
            }
            return null;
        }
    }
}
