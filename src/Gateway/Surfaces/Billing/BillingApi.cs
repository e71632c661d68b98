using System.Globalization;
using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.OpenApi;
using CozeCluster.Gateway.Surfaces.UsageReports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Billing;

/// <summary>
/// <c>/dashboard/billing/*</c>: the balance that chat panels show. OpenAI has removed these routes; NextChat, one-api and others still call them, with and
/// without <c>/v1</c>. A tenant has no limit in dollars, so the limit is the number that these clients take for "unlimited". What is used are the tenant's
/// credits, of which each is shown as a dollar.
/// </summary>
internal static class BillingApi
{
    /// <summary>What one-api reports for a key without a limit.</summary>
    private const int Unlimited = 100_000_000;

    private const decimal UnitsPerCent = Amounts.UnitsPerCredit / 100m;

    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var prefix in (string[])["", "/v1"])
        {
            var suffix = prefix.Length == 0 ? "" : "V1";
            routes.MapTenant(
                "GET", prefix + "/dashboard/billing/subscription", static context => JsonBody.Write(context, 0, WriteSubscription), "Billing",
                "readSubscription" + suffix, "Says that the key has no limit in dollars. For chat panels.", static operation =>
                    operation.Responses!.Add("200", Schemas.Json("The limits.", Schemas.Any())));
            routes.MapTenant(
                "GET", prefix + "/dashboard/billing/usage", ReadUsage, "Billing",
                "readUsage" + suffix, "Returns the credits that the tenant was charged, in hundredths. For chat panels.", static operation =>
                {
                    operation.Parameters =
                    [
                        Schemas.Query("start_date", Schemas.String("The first day. Default: the first of this month.")),
                        Schemas.Query("end_date", Schemas.String("The day after the last one. Default: tomorrow.")),
                    ];
                    operation.Responses!.Add("200", Schemas.Json("The usage.", Schemas.Any()));
                });
        }
        routes.MapGet("/dashboard/billing/{**path}", AnswerUnknown).ExcludeFromDescription();
    }

    // Panels try other routes of OpenAI's old dashboard too. The operators' dashboard, at the same path, would make a browser ask for a password.
    private static Task AnswerUnknown(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static void WriteSubscription(Utf8JsonWriter writer, int _)
    {
        writer.WriteStartObject();
        writer.WriteString("object"u8, "billing_subscription"u8);
        writer.WriteBoolean("has_payment_method"u8, true);
        writer.WriteNumber("soft_limit_usd"u8, Unlimited);
        writer.WriteNumber("hard_limit_usd"u8, Unlimited);
        writer.WriteNumber("system_hard_limit_usd"u8, Unlimited);
        writer.WriteNumber("access_until"u8, 0);
        writer.WriteEndObject();
    }

    private static async Task ReadUsage(HttpContext context)
    {
        var today = context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow().UtcDateTime.Date;
        var from = ReadDate(context, "start_date") ?? today.AddDays(1 - today.Day);
        var until = ReadDate(context, "end_date") ?? today.AddDays(1);
        var sums = from < until
            ? await context.RequestServices.GetRequiredService<UsageReporter>().Sum(RequestInfo.TenantIdOf(context), Utc(from), Utc(until))
            : default;
        await JsonBody.Write(context, sums, static (writer, sums) =>
        {
            writer.WriteStartObject();
            writer.WriteString("object"u8, "list"u8);
            writer.WriteNumber("total_usage"u8, sums.Credits / UnitsPerCent);
            writer.WriteEndObject();
        });
    }

    // These clients show nothing at all if they get an error, so a date that is not understood is as none.
    private static DateTime? ReadDate(HttpContext context, string name) =>
        DateTime.TryParseExact(context.Request.Query[name].ToString(), "yyyy-M-d", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            ? date
            : null;

    private static DateTimeOffset Utc(DateTime date) => new(date, TimeSpan.Zero);
}
