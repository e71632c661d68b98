using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>A request to the admin API, whose key has a role that its route allows.</summary>
internal sealed partial class AdminCall(HttpContext context)
{
    public const int MaxLimit = 1000;
    public const int DefaultLimit = 100;

    private const int MaxValue = 1000;
    private const int MaxBody = 4 << 20;

    public HttpContext Context => context;

    public RequestKey Key { get; } = RequestInfo.KeyOf(context);

    public IFleetView Fleet { get; } = context.RequestServices.GetRequiredService<IFleetView>();

    public IGrainFactory Grains { get; } = context.RequestServices.GetRequiredService<IGrainFactory>();

    public TimeProvider Time { get; } = context.RequestServices.GetRequiredService<TimeProvider>();

    public CancellationToken Aborted => context.RequestAborted;

    public ILogger Logger => context.RequestServices.GetRequiredService<ILogger<AdminCall>>();

    /// <summary>The only tenant that the key may see; null: all of them.</summary>
    public string? OnlyTenant => Key.Role == AdminRole.TenantAdmin ? Key.TenantId : null;

    /// <summary>Whether the key may see what belongs to a tenant. Tenant admins do not see what belongs to no tenant (null).</summary>
    public bool Sees(string? tenantId) => OnlyTenant is not { } only || only == tenantId;

    /// <summary>Answers as for an unknown id if the key may not see what belongs to this tenant.</summary>
    /// <param name="tenantId">The tenant; null: the thing belongs to none, or there is no such thing.</param>
    /// <param name="what">What error messages call the thing (<c>turn</c>).</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.NotFound"/>.</exception>
    public void RequireTenant(string? tenantId, string what)
    {
        if (!Sees(tenantId)) throw Unknown(what);
    }

    /// <summary>The error for an id that nothing has, or that the key may not see.</summary>
    public static ClusterException Unknown(string what) => new(ErrorCode.NotFound, $"There is no {what} with this id.", "id");

    /// <summary>A value of the path, decoded.</summary>
    public string Path(string name) => RequestPath.Read(context, name);

    /// <summary>A text of the query; null without one, or if it is empty.</summary>
    public string? Query(string name)
    {
        var values = context.Request.Query[name];
        if (values.Count > 1) throw Invalid(name, "is given more than once");
        if (values is not [{ Length: > 0 } value]) return null;
        return value.Length <= MaxValue ? value : throw Invalid(name, $"has more than {MaxValue} characters");
    }

    /// <summary>A whole number of the query; null without one.</summary>
    public long? Number(string name, long min, long max)
    {
        if (Query(name) is not { } text) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw Invalid(name, $"is not a whole number from {min} to {max}");
    }

    /// <summary>Whether the query says <c>true</c>. Default false.</summary>
    public bool Flag(string name) => Query(name) switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw Invalid(name, "is neither true nor false"),
    };

    /// <summary>A time of the query; null without one.</summary>
    public DateTimeOffset? Moment(string name)
    {
        if (Query(name) is not { } text) return null;
        return QueryTimes.TryParse(text, out var time) ? time : throw Invalid(name, $"is not {QueryTimes.Expected}");
    }

    /// <summary>A name of the query, as <see cref="WireName"/> writes it; null without one.</summary>
    public T? Choice<T>(string name) where T : struct, Enum
    {
        if (Query(name) is not { } text) return null;
        foreach (var value in Enum.GetValues<T>())
        {
            if (WireName.Of(value) == text) return value;
        }
        throw Invalid(name, $"is none of {string.Join(", ", Enum.GetValues<T>().Select(WireName.Of))}");
    }

    /// <summary>The largest number of items on a page.</summary>
    public int Limit => (int)(Number("limit", 1, MaxLimit) ?? DefaultLimit);

    /// <summary>Where the page before ended; null for the first page.</summary>
    public string? After => Query("after");

    /// <summary>Reads the body.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: it names the field that is not known, is given twice, or has the wrong type.
    /// </exception>
    public ValueTask<T> ReadBody<T>(JsonTypeInfo<T> json) => JsonBody.Read(context, MaxBody, (element, _) =>
    {
        FleetItemsApi.Check(element);
        try
        {
            return element.Deserialize(json)!;
        }
        catch (JsonException exception)
        {
            var field = exception.Path?.TrimStart('$', '.') ?? "";
            throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid '{field}': the field is not known, or its value has the wrong type.", field);
        }
    });

    /// <summary>The error for a parameter or a field.</summary>
    public static ClusterException Invalid(string field, string reason) => new(ErrorCode.InvalidRequest, $"Invalid '{field}': it {reason}.", field);

    /// <summary>Sends the version of the thing that the answer shows, as its <c>ETag</c>.</summary>
    /// <param name="version">Printable ASCII without quotes.</param>
    public void SetTag(string version) => context.Response.Headers.ETag = $"\"{version}\"";

    /// <summary>The version that the client wants to replace (<c>If-Match</c>); null if it accepts any that exists (<c>*</c>).</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.PreconditionRequired"/>: the header is missing.</exception>
    public string? ReadTag()
    {
        var header = context.Request.Headers.IfMatch.ToString().Trim();
        if (header.Length == 0)
        {
            throw new ClusterException(
                ErrorCode.PreconditionRequired, "Send the header If-Match with the ETag of the version that you have read, or with * for any version.",
                "If-Match");
        }
        if (header == "*") return null;
        return header.Length > 2 && header[0] == '"' && header[^1] == '"' && !header.AsSpan(1, header.Length - 2).Contains('"')
            ? header[1..^1]
            : throw Invalid("If-Match", "is not one ETag in quotes");
    }

    /// <summary>The error for a thing that has changed since the client read it.</summary>
    public static ClusterException Changed() =>
        new(ErrorCode.PreconditionFailed, "This was changed since you have read it. Read it again, and repeat your change.", "If-Match");
}
